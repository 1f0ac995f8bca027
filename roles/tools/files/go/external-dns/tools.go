//go:build tools

// Package tools pins the ExternalDNS that brings DNSEndpoints to DNS servers.
package tools

import (
	_ "sigs.k8s.io/external-dns"
)

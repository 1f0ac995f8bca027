//go:build tools

// Package tools pins what kwok and kwokctl are built from. kwok 0.7.0 needs Kubernetes libraries of 1.33, so it
// cannot share the other module.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
	_ "sigs.k8s.io/kwok/cmd/kwokctl"
)

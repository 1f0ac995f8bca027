//go:build tools

// Package tools pins the kind that makes the lab's clusters, whose module also holds the node image's own files.
package tools

import (
	_ "sigs.k8s.io/kind"
)

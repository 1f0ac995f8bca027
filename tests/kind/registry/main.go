// A registry of images for tests: go-containerregistry's, on the given address, with its layers in the given folder.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	layers := registry.NewDiskBlobHandler(os.Args[2])
	log.Fatal(http.ListenAndServe(os.Args[1], registry.New(registry.WithBlobHandler(layers))))
}

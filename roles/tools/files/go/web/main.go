// Command web stands in for a web server's image where no registry answers, and says so. Its page names the image that it stands
// in for, the cluster and the pod. Without arguments it serves port 80; "get URL", "lookup NAME" and "dial NETWORK ADDRESS" ask
// from where it runs.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	authority = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
	patience  = 5 * time.Second
)

// cluster is the name of the kind cluster, read from the names that its API server has proved to have.
func cluster() string {
	ca, err := os.ReadFile(authority)
	if err != nil {
		return ""
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	server := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	dialer := &net.Dialer{Timeout: patience}
	connection, err := tls.DialWithDialer(dialer, "tcp", server, &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return ""
	}
	defer connection.Close()
	for _, name := range connection.ConnectionState().PeerCertificates[0].DNSNames {
		if found, ok := strings.CutSuffix(name, "-control-plane"); ok {
			return found
		}
	}
	return ""
}

func page() http.HandlerFunc {
	var lock sync.Mutex
	known := ""
	return func(answer http.ResponseWriter, _ *http.Request) {
		lock.Lock()
		if known == "" {
			known = cluster()
		}
		name := known
		lock.Unlock()
		pod, _ := os.Hostname()
		answer.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(answer, "edgefed stand-in for %s\ncluster %s\npod %s\n", os.Getenv("EDGEFED_STAND_IN_FOR"), name, pod)
	}
}

func serve() error {
	server := &http.Server{Addr: ":80", Handler: page(), ReadHeaderTimeout: patience}
	signals := make(chan os.Signal, 1)
	// SIGQUIT is nginx' stop signal.
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		<-signals
		server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func get(url string) error {
	response, err := (&http.Client{Timeout: patience}).Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func lookup(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err == nil {
		fmt.Println(strings.Join(addresses, "\n"))
	}
	return err
}

func dial(network, address string) error {
	connection, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return err
	}
	defer connection.Close()
	// A datagram is refused, if at all, by an answer to what was sent.
	connection.SetDeadline(time.Now().Add(patience))
	if _, err := connection.Write([]byte("edgefed\n")); err != nil {
		return err
	}
	_, err = connection.Read(make([]byte, 1))
	return err
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 0:
		return serve()
	case arguments[0] == "get" && len(arguments) == 2:
		return get(arguments[1])
	case arguments[0] == "lookup" && len(arguments) == 2:
		return lookup(arguments[1])
	case arguments[0] == "dial" && len(arguments) == 3:
		return dial(arguments[1], arguments[2])
	}
	return fmt.Errorf("usage: web [get URL | lookup NAME | dial NETWORK ADDRESS]")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

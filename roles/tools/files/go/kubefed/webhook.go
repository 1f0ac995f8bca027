package main

import (
	"flag"
	"net/http"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	ctrwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"sigs.k8s.io/kubefed/pkg/controller/webhook/federatedtypeconfig"
	"sigs.k8s.io/kubefed/pkg/controller/webhook/kubefedcluster"
	"sigs.k8s.io/kubefed/pkg/controller/webhook/kubefedconfig"
	"sigs.k8s.io/kubefed/pkg/version"
)

// The published webhook opens :8080 for metrics and binds every address, without an option for either:
// this one registers the same handlers (see cmd/webhook/app of sigs.k8s.io/kubefed), on one address, metrics off.
func newWebhookCommand() *cobra.Command {
	var certDir, kubeconfig, host string
	var port int
	cmd := &cobra.Command{
		Use:          "webhook",
		Short:        "KubeFed's admission webhook on one address",
		Version:      version.Get().Version,
		SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error {
			return runWebhook(kubeconfig, manager.Options{
				Host: host, Port: port, CertDir: certDir, MetricsBindAddress: "0",
			})
		},
	}
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "Path to the host cluster's kubeconfig.")
	cmd.Flags().StringVar(&certDir, "cert-dir", "", "Folder with tls.crt and tls.key.")
	cmd.Flags().StringVar(&host, "bind-address", defaultAddress(), "Address to serve HTTPS on.")
	cmd.Flags().IntVar(&port, "secure-port", 8443, "Port to serve HTTPS on.")
	// Those of the log (-v), which the chart sets.
	cmd.Flags().AddGoFlagSet(flag.CommandLine)
	return cmd
}

// In a pod the Service's packets come to the pod's own address; anywhere else nobody is meant to come from outside.
func defaultAddress() string {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return "0.0.0.0"
	}
	return "127.0.0.1"
}

func runWebhook(kubeconfig string, options manager.Options) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	mgr, err := manager.New(config, options)
	if err != nil {
		return err
	}
	server := mgr.GetWebhookServer()
	server.Register("/validate-federatedtypeconfigs", &ctrwebhook.Admission{Handler: &federatedtypeconfig.FederatedTypeConfigAdmissionHook{}})
	server.Register("/validate-kubefedcluster", &ctrwebhook.Admission{Handler: &kubefedcluster.KubeFedClusterAdmissionHook{}})
	server.Register("/validate-kubefedconfig", &ctrwebhook.Admission{Handler: &kubefedconfig.KubeFedConfigValidator{}})
	server.Register("/default-kubefedconfig", &ctrwebhook.Admission{Handler: &kubefedconfig.KubeFedConfigDefaulter{}})
	server.WebhookMux.Handle("/readyz/", http.StripPrefix("/readyz/", &healthz.Handler{}))
	return mgr.Start(signals.SetupSignalHandler())
}

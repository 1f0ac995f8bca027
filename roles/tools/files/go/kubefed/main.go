// Command kubefed links KubeFed's controller manager, admission webhook and kubefedctl into one
// program, chosen by the name it is called by. One link step instead of three saves build time and disk.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/logs"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	controllermanager "sigs.k8s.io/kubefed/cmd/controller-manager/app"
	"sigs.k8s.io/kubefed/pkg/kubefedctl"
)

func command(name string) (*cobra.Command, error) {
	switch name {
	case "controller-manager":
		return controllermanager.NewControllerManagerCommand(signals.SetupSignalHandler().Done()), nil
	case "webhook":
		return newWebhookCommand(), nil
	case "kubefedctl":
		return kubefedctl.NewKubeFedCtlCommand(os.Stdout), nil
	}
	return nil, fmt.Errorf("called as %q: the name must be controller-manager, webhook or kubefedctl", name)
}

func main() {
	logs.InitLogs()
	defer logs.FlushLogs()
	cmd, err := command(filepath.Base(os.Args[0]))
	if err == nil {
		err = cmd.Execute()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

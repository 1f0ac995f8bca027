// Command net is the network plug-in of the lab's own node image, in the place of kind's kindnetd, whose image cannot be had
// without a registry. On each node it writes the CNI configuration, keeps routes to the other nodes' pods, and hides pods behind
// the node's address when they talk to anything that is no pod. Services of type LoadBalancer get the address of the first node, on
// which kube-proxy then answers at the Service's own ports. IPv4, no NetworkPolicy.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"syscall"
	"time"
)

const (
	account = "/var/run/secrets/kubernetes.io/serviceaccount/"
	host    = "/host"
	conf    = host + "/etc/cni/net.d/10-edgefed.conflist"
	comment = "edgefed-masquerade"
)

type node struct {
	Metadata struct{ Name string }
	Spec     struct{ PodCIDR string }
	Status   struct {
		Addresses []struct{ Type, Address string }
	}
}

func (n node) address() string {
	for _, one := range n.Status.Addresses {
		if one.Type == "InternalIP" {
			return one.Address
		}
	}
	return ""
}

func api() (*http.Client, string, error) {
	ca, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, "", err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	server := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	return &http.Client{Transport: transport, Timeout: 5 * time.Second}, "https://" + server, nil
}

func call(client *http.Client, method, url string, body []byte, answer any) error {
	// The token is renewed on disk, so it is read each time.
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Content-Type", "application/merge-patch+json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: the API server answered %s", method, url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func nodes(client *http.Client, server string) ([]node, error) {
	var list struct{ Items []node }
	err := call(client, http.MethodGet, server+"/api/v1/nodes", nil, &list)
	sort.Slice(list.Items, func(i, j int) bool { return list.Items[i].Metadata.Name < list.Items[j].Metadata.Name })
	return list.Items, err
}

type service struct {
	Metadata struct{ Namespace, Name string }
	Spec     struct{ Ports []struct{ Port int } }
	Status   struct {
		LoadBalancer struct{ Ingress []struct{ IP string } }
	}
}

// stale is an address in the nodes' network that no node has any more: a container gets another when it starts again.
func (one service) stale(all []node) bool {
	given := one.Status.LoadBalancer.Ingress
	if len(given) != 1 || len(all) == 0 {
		return false
	}
	for _, other := range all {
		if other.address() == given[0].IP {
			return false
		}
	}
	network := net.IPNet{IP: net.ParseIP(all[0].address()).Mask(net.CIDRMask(24, 32)), Mask: net.CIDRMask(24, 32)}
	return network.Contains(net.ParseIP(given[0].IP))
}

// giveAddresses gives the first node's address to each Service of type LoadBalancer that has none, unless its ports are another's
// there.
func giveAddresses(client *http.Client, server string, all []node) error {
	var list struct{ Items []service }
	url := server + "/api/v1/services?fieldSelector=spec.type%3DLoadBalancer"
	if err := call(client, http.MethodGet, url, nil, &list); err != nil {
		return err
	}
	// The node itself answers at these.
	taken := map[int]bool{6443: true, 10250: true}
	var without []service
	for _, one := range list.Items {
		if len(one.Status.LoadBalancer.Ingress) == 0 || one.stale(all) {
			without = append(without, one)
			continue
		}
		for _, port := range one.Spec.Ports {
			taken[port.Port] = true
		}
	}
	body := []byte(fmt.Sprintf(`{"status":{"loadBalancer":{"ingress":[{"ip":%q}]}}}`, all[0].address()))
	for _, one := range without {
		free := true
		for _, port := range one.Spec.Ports {
			free = free && !taken[port.Port]
		}
		if !free {
			continue
		}
		for _, port := range one.Spec.Ports {
			taken[port.Port] = true
		}
		path := fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s/status", server, one.Metadata.Namespace, one.Metadata.Name)
		if err := call(client, http.MethodPatch, path, body, &struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

func configuration(cidr string) ([]byte, error) {
	type object = map[string]any
	ipam := object{
		"type": "host-local", "dataDir": "/run/cni-ipam-state",
		"routes": []object{{"dst": "0.0.0.0/0"}}, "ranges": [][]object{{{"subnet": cidr}}},
	}
	return json.MarshalIndent(object{"cniVersion": "0.4.0", "name": "edgefed", "plugins": []object{
		{"type": "ptp", "ipMasq": false, "ipam": ipam, "mtu": 1400},
		{"type": "portmap", "capabilities": object{"portMappings": true}},
	}}, "", "  ")
}

func write(content []byte) error {
	if there, err := os.ReadFile(conf); err == nil && string(there) == string(content) {
		return nil
	}
	if err := os.WriteFile(conf+".tmp", content, 0o644); err != nil {
		return err
	}
	// kindnetd's, in a node image that has it.
	os.Remove(filepath.Join(filepath.Dir(conf), "10-kindnet.conflist"))
	return os.Rename(conf+".tmp", conf)
}

// The node's own programs do it: they belong to the kernel tables that the node uses.
func onNode(arguments ...string) error {
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Dir = "/"
	command.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: host}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", arguments, err, output)
	}
	return nil
}

func masquerade(pods string) error {
	rule := []string{"POSTROUTING", "-s", pods, "!", "-d", pods, "-m", "comment", "--comment", comment, "-j", "MASQUERADE"}
	iptables := []string{"/usr/sbin/iptables", "-w", "5", "-t", "nat"}
	if onNode(append(append(iptables, "-C"), rule...)...) == nil {
		return nil
	}
	return onNode(append(append(iptables, "-A"), rule...)...)
}

func sync(client *http.Client, server, me, pods string) error {
	all, err := nodes(client, server)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.Spec.PodCIDR == "" {
			if one.Metadata.Name == me {
				return fmt.Errorf("node %s has no podCIDR yet", me)
			}
			continue
		}
		if one.Metadata.Name != me {
			if err := onNode("/usr/sbin/ip", "route", "replace", one.Spec.PodCIDR, "via", one.address()); err != nil {
				return err
			}
			continue
		}
		content, err := configuration(one.Spec.PodCIDR)
		if err != nil {
			return err
		}
		if err := write(content); err != nil {
			return err
		}
	}
	if err := masquerade(pods); err != nil {
		return err
	}
	if len(all) > 0 && all[0].Metadata.Name == me {
		return giveAddresses(client, server, all)
	}
	return nil
}

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	client, server, err := api()
	for {
		wait := time.Second
		if err == nil {
			err = sync(client, server, os.Getenv("NODE_NAME"), os.Getenv("POD_SUBNET"))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			client, server, err = api()
		}
		select {
		case <-signals:
			return
		case <-time.After(wait):
		}
	}
}

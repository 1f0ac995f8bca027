# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  name:
    description: The cluster's name in the federation, a DNS name of at most 63 characters.
    type: str
    required: true
  namespace:
    description: The namespace of KubeFed in the host cluster. The member gets one of the same name.
    type: str
    default: kube-federation-system
  host_cluster_name:
    description:
      - The host cluster's name, part of the names of what is made in the member.
      - The default is O(context), as with kubefedctl.
    type: str
  member_kubeconfig:
    description: The kubeconfig of the member, a path or the content as a dictionary. The default is O(kubeconfig).
    type: raw
  member_context:
    description: The member's context in O(member_kubeconfig). The default is O(name).
    type: str
  api_endpoint:
    description:
      - The address of the member's API server that B(KubeFed) dials, where it is another one than this machine uses, as with NAT.
      - The default is the server of the member's context. Where that is Rancher's proxy (C(/k8s/clusters/...)), which rejects the tokens
        that a join makes, it is the cluster's authorized cluster endpoint, as M(edgefed.kubefed.kubeconfig) keeps it beside the proxy's
        address, or as Rancher writes it, a further context C(<context>-...) of the same user. Without one the join is refused.
    type: str
  api_ca_cert:
    description:
      - The CA (PEM text) that O(api_endpoint) is verified with.
      - The default is the CA of the member's context, else the cluster's own CA.
    type: str
  api_proxy_url:
    description:
      - The proxy that KubeFed uses to reach O(api_endpoint), with scheme C(http), C(https) or C(socks5).
      - May hold a user name and a password, which are shown nowhere.
      - Left alone when not given.
    type: str
  disabled_tls_validations:
    description:
      - Checks that KubeFed leaves out when it talks to the member. Anybody between them can then take over the member.
      - Never taken from the kubeconfig.
    type: list
    elements: str
    choices: ["*", SubjectName, ValidityPeriod]
    default: []
  credentials:
    description:
      - What KubeFed may do in the member.
      - V(full) is everything, as with kubefedctl.
      - V(least) is only what the enabled C(FederatedTypeConfig)s need. M(edgefed.kubefed.federated_type) widens it when it enables a type,
        and narrows it when it disables one; a later run does so where another tool did that. With roles or bindings among them it is no
        less than all, of which a warning tells.
      - V(provided) is a O(token) of yours. Nothing is made in the member then, and what an earlier join made there is removed once
        KubeFed has the token.
    type: str
    choices: [full, least, provided]
    default: full
  token:
    description:
      - With O(credentials=provided), the bearer token that KubeFed uses, as one of Rancher's for a cluster behind its proxy.
      - When it ends is read from it where it is a JSON web token. A join asks Rancher about a token of Rancher's, with one request, where
        the address is behind Rancher's proxy. One that has ended is refused; where nothing tells, a join warns of it.
    type: str
"""

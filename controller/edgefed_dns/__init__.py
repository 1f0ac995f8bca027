# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Multi-cluster DNS for a KubeFed federation: records on the host cluster become DNSEndpoints that lead to living members only."""

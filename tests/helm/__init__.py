"""The Helm chart: rendered by Helm itself, and judged by the schemas of Kubernetes, of the operator, and a policy."""

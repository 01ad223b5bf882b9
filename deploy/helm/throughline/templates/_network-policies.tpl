{{/* Blocks of templates/network-policies.yaml. */}}

{{/* Begins a policy. dict "root" $ "name" "tasks", and "namespace" where it is not the release's */}}
{{- define "throughline.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "throughline.fullname" .root }}-{{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "throughline.labels" (dict "root" .root "part" "network-policy") | nindent 4 }}
{{- end -}}

{{/* The release's own pods, whatever part they are. */}}
{{- define "throughline.releaseLabels" -}}
app.kubernetes.io/name: {{ include "throughline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* A rule that lets pods look up names. */}}
{{- define "throughline.egressToNames" -}}
- to:
    - namespaceSelector: {}
      podSelector: {matchLabels: {k8s-app: kube-dns}}
    - ipBlock: {cidr: 169.254.0.0/16} # a node's own cache of names (NodeLocal DNSCache)
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{/* A rule that lets pods reach the port of an address outside, wherever it is: a policy knows no host names. */}}
{{- define "throughline.egressToPortOf" -}}
{{- $address := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $address.host | trimPrefix ":" -}}
- ports:
    - {port: {{ $port | default (get (dict "http" 80 "https" 443 "redis" 6379 "rediss" 6379) $address.scheme) }}, protocol: TCP}
{{- end -}}

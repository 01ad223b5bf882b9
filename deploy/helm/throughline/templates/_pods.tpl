{{/* What all pods share. */}}

{{/* The `restricted` Pod Security Standard. dict "user" 10000, and "group" where the image's files belong to another */}}
{{- define "throughline.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ hasKey . "group" | ternary .group .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Of pods that run our own programs. Without the shared namespace a program is the first process of its own, to which
Linux passes no signal that it has no handler for: a worker that was told to stop while Python started went on taking tasks
until it was killed. */}}
{{- define "throughline.pythonPod" -}}
shareProcessNamespace: true
securityContext:
  {{- include "throughline.podSecurity" (dict "user" 10000) | nindent 2 }}
{{- end -}}

{{- define "throughline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where pods of a part run. dict "root" $ "part" "otel-collector", and "values" "otelCollector" where the part's are called otherwise */}}
{{- define "throughline.placement" -}}
{{- $values := get .root.Values (.values | default .part) | default dict -}}
automountServiceAccountToken: false
enableServiceLinks: false # a Service called redis would set REDIS_PORT
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with $values.priorityClassName | default .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with $values.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- if .root.Values.spread }}
topologySpreadConstraints:
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "throughline.selector" (dict "root" $.root "part" $.part) | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The three networks of docker-compose.yml, as labels of pods. list "tasks" "plane" */}}
{{- define "throughline.networks" -}}
{{- range $index, $network := . }}
{{- if $index }}
{{ end -}}
throughline/network-{{ $network }}: member
{{- end }}
{{- end -}}

{{/* One pod of a part may be away by intent; one that is not ready holds up no drain. dict "root" $ "part" "api" */}}
{{- define "throughline.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "throughline.fullname" .root }}-{{ .part }}{{ with .colour }}-{{ . }}{{ end }}
  labels:
    {{- include "throughline.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "throughline.selector" . | nindent 6 }}
      {{- with .colour }}
      colour: {{ . }}
      {{- end }}
{{- end -}}

{{/* How many pods there are, where something else than the chart decides it. */}}

{{/*
`replicas` of a Deployment. Where it is scaled, the number that it has now: left out, an upgrade that turns scaling on would
set it to 1, since Helm removes what its last manifest had. A new one has as many as the first Deployment of `live` that is there.
dict "root" $ "values" .Values.worker "live" (list "…-worker")
*/}}
{{- define "throughline.replicas" -}}
{{- if .values.autoscaling.enabled -}}
{{- $found := dict -}}
{{- range $name := .live -}}
{{- if not $found -}}
{{- $found = lookup "apps/v1" "Deployment" $.root.Release.Namespace $name | default dict -}}
{{- end -}}
{{- end -}}
{{- with $found }}
replicas: {{ .spec.replicas | int }}
{{- end }}
{{- else }}
replicas: {{ .values.replicas }}
{{- end }}
{{- end -}}

{{/* A HorizontalPodAutoscaler on CPU. dict "root" $ "part" "api" "target" "…-api-blue" "scaling" .Values.api.autoscaling */}}
{{- define "throughline.scaledOnCpu" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .target }}
  labels:
    {{- include "throughline.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .target }}}
  minReplicas: {{ .scaling.from }}
  maxReplicas: {{ .scaling.to }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .scaling.cpuPercent }}}}
{{- end -}}

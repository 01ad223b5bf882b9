{{/* A colour of the api. */}}

{{/* dict "root" $ "part" "api" "colour" "blue" "name" "…-api-blue" */}}
{{- define "throughline.apiColour" -}}
{{- $values := .root.Values.api -}}
{{- $image := include "throughline.image" (merge (dict "tag" (get $values .colour).tag) .) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels:
    {{- include "throughline.labels" . | nindent 4 }}
    colour: {{ .colour }}
spec:
  {{- /* A new colour begins with as many pods as the active one has. */}}
  {{- $active := printf "%s-api-%s" (include "throughline.fullname" .root) $values.active }}
  {{- include "throughline.replicas" (dict "root" .root "values" $values "live" (list .name $active)) | nindent 2 }}
  strategy:
    {{- include "throughline.rollingUpdate" . | nindent 4 }}
  selector:
    matchLabels:
      {{- include "throughline.selector" . | nindent 6 }}
      colour: {{ .colour }}
  template:
    metadata:
      labels:
        {{- include "throughline.selector" . | nindent 8 }}
        {{- include "throughline.networks" (list "tasks") | nindent 8 }}
        colour: {{ .colour }}
      annotations:
        {{- include "throughline.secretChecksum" .root | nindent 8 }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "throughline.placement" . | nindent 6 }}
      {{- include "throughline.pythonPod" . | nindent 6 }}
      terminationGracePeriodSeconds: 50 # preStop, then 30 s for the requests under way (--timeout-graceful-shutdown)
      containers:
        - name: api
          image: {{ $image }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          env:
            {{- include "throughline.processEnv" (merge (dict "image" $image) .) | nindent 12 }}
            {{- include "throughline.historyEnv" (dict "root" .root "user" "reader") | nindent 12 }}
            {{- include "throughline.apiKeysEnv" .root | nindent 12 }}
          ports:
            - {name: http, containerPort: 8000}
          startupProbe: {httpGet: {path: /health/live, port: http}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 120}
          readinessProbe: {httpGet: {path: /health/ready, port: http}, periodSeconds: 5, timeoutSeconds: 5}
          livenessProbe: {httpGet: {path: /health/live, port: http}, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6}
          lifecycle:
            preStop: {sleep: {seconds: 10}} # by then NGINX has closed its connections to this pod (keepalive_time, keepalive_timeout)
          securityContext:
            {{- include "throughline.containerSecurity" .root | nindent 12 }}
          resources: {{ toJson $values.resources }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- include "throughline.apiKeysMount" .root | nindent 12 }}
      volumes:
        {{- include "throughline.tmpVolume" .root | nindent 8 }}
        {{- include "throughline.apiKeysVolume" .root | nindent 8 }}
---
# For checks from inside, whichever colour is active.
{{ include "throughline.apiService" . }}
---
{{ include "throughline.disruptionBudget" . }}
{{- end -}}

{{/* dict "root" $ "part" "api" "name" "…-api" "colour" "blue", and "any" for pods that are not ready as well */}}
{{- define "throughline.apiService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "throughline.labels" . | nindent 4 }}
spec:
  {{- if .any }}
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "throughline.selector" . | nindent 4 }}
    colour: {{ .colour }}
  ports:
    - {name: http, port: 8000, targetPort: http}
{{- end -}}

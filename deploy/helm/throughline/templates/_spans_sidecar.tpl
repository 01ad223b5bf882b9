{{/*
NGINX's spans are in a file of its pod. A small collector there, a native sidecar, sends them on: it starts before NGINX and
ends after it. templates/nginx.yaml includes the three; NGINX writes to /var/spans, in the volume `spans`.
*/}}

{{- define "throughline.spansSidecar" -}}
{{- $endpoint := include "throughline.otlpEndpoint" . -}}
{{- if $endpoint }}
- name: spans
  image: {{ .Values.otelCollector.image }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  args: [--config, /etc/otelcol/nginx.yaml, --config, /etc/otelcol/sidecar.yaml]
  env:
    - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ $endpoint | quote }}}
    {{- if and .Values.otlp.endpoint .Values.otlp.headersSecret }}
    - name: SPANS_HEADERS
      valueFrom: {secretKeyRef: {name: {{ .Values.otlp.headersSecret }}, key: headers-yaml}}
    {{- end }}
  securityContext:
    {{- include "throughline.containerSecurity" . | nindent 4 }}
  resources: {{ toJson .Values.otelCollector.sidecar.resources }}
  volumeMounts:
    - {name: spans, mountPath: /var/spans, readOnly: true}
    - {name: spans-config, mountPath: /etc/otelcol, readOnly: true}
    - {name: spans-position, mountPath: /var/lib/otelcol}
{{- end }}
{{- end -}}

{{- define "throughline.spansSidecarVolumes" -}}
{{- if include "throughline.otlpEndpoint" . }}
- name: spans-config
  configMap: {name: {{ include "throughline.fullname" . }}-spans}
- name: spans-position
  emptyDir: {sizeLimit: 16Mi}
{{- end }}
{{- end -}}

{{- define "throughline.spansSidecarChecksum" -}}
checksum/spans: {{ (.Files.Glob "files/otel-collector/*.yaml").AsConfig | sha256sum }}
{{- end -}}

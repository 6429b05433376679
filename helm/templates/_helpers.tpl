{{- define "gw.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "gw.labels" -}}
app.kubernetes.io/name: privacy-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* Call with (list . "component"). */ -}}
{{- define "gw.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "gw.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "gw.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "gw.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "gw.spread" -}}
topologySpreadConstraints:
  {{- $selector := include "gw.selector" . }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "gw.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ (index . 1).name }}, key: {{ (index . 1).key }}}
{{- end }}

{{- /* API keys of destinations. With the egress split only those inside are for the gateway. */ -}}
{{- define "gw.destinationKeys" -}}
{{- $root := index . 0 -}}
{{- $zone := index . 1 -}}
{{- $seen := dict -}}
{{- range $name, $destination := $root.Values.config.destinations }}
{{- $variable := $destination.api_key_env }}
{{- if and $variable (or (eq $zone "any") (eq $zone $destination.zone)) (not (hasKey $seen $variable)) }}
{{- $_ := set $seen $variable true }}
{{- $secret := index ($root.Values.secrets.destinations | default dict) $variable | required (printf "secrets.destinations.%s: the destination %s reads its key from there" $variable $name) }}
{{ include "gw.secretEnv" (list $variable $secret) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "gw.redisEnv" -}}
{{- if and .Values.redis.url .Values.secrets.redis.name }}
{{ include "gw.secretEnv" (list "REDIS_PASSWORD" .Values.secrets.redis) }}
{{- end }}
{{- end }}

{{- define "gw.config" -}}
{{- $own := dict
  "server" (dict "host" "0.0.0.0" "port" 8080 "shutdown_s" 40)
  "ledger" (dict "key_file" "/run/gateway/ledger.key" "signed_file" "/var/lib/gateway/ledger.signed")
-}}
{{- if .Values.cosign.enabled }}
{{- $_ := set $own.ledger "witnesses" (list .Values.cosign.witnessKey) }}
{{- end }}
{{- if or .Values.policies.files .Values.policies.configMap .Values.policies.volume }}
{{- $_ := set $own "policies" (dict "dir" "/etc/gateway/policies") }}
{{- end }}
{{- if .Values.secrets.indexKey.name }}
{{- $_ := set $own "detector" (dict "index_key_file" "/run/gateway/index.key") }}
{{- end }}
{{- $store := dict }}
{{- if .Values.redis.url }}
{{- $store = dict "store" .Values.redis.url }}
{{- if .Values.secrets.redis.name }}{{- $_ := set $store "password_env" "REDIS_PASSWORD" }}{{- end }}
{{- $_ := set $own "limits" (deepCopy $store) }}
{{- end }}
{{- if .Values.egress.enabled }}
{{- $egress := dict "url" (printf "http://%s-egress:8090" (include "gw.name" .)) "host" "0.0.0.0" "port" 8090
  "gateway_keys" .Values.egress.gatewayKeys "refusals_file" "/var/lib/gateway/egress-refusals.jsonl" }}
{{- $_ := set $own "egress" (merge $egress $store) }}
{{- end }}
{{- $config := mergeOverwrite $own (deepCopy .Values.config) }}
{{- if .Values.vllm.enabled }}
{{- $vllm := dict "zone" "in_network" "adapter" "openai" "base_url" (printf "http://%s-vllm:8000/v1" (include "gw.name" .)) "model" .Values.vllm.servedName }}
{{- $_ := set $config "destinations" (merge (dict "vllm" $vllm) ($config.destinations | default dict)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- /* The gateway refuses a key that others can read, and a Secret's file belongs to root: so it is copied into memory. */ -}}
{{- define "gw.keysContainer" -}}
- name: keys
  image: {{ include "gw.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [sh, -c, "umask 077 && for key in /secrets/*/*; do cat \"$key\" > \"/run/gateway/$(basename \"$key\")\"; done"]
  securityContext: {{- include "gw.containerSecurity" . | nindent 4 }}
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
  volumeMounts:
    - {name: keys, mountPath: /run/gateway}
    - {name: ledger-key, mountPath: /secrets/ledger, readOnly: true}
    {{- if .Values.secrets.indexKey.name }}
    - {name: index-key, mountPath: /secrets/index, readOnly: true}
    {{- end }}
{{- end }}

{{- define "gw.keyVolumes" -}}
{{- $name := include "gw.name" . -}}
- {name: config, configMap: {name: {{ $name }}}}
- {name: keys, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
- name: ledger-key
  secret:
    secretName: {{ .Values.secrets.ledgerKey.name }}
    defaultMode: 0440
    items: [{key: {{ .Values.secrets.ledgerKey.key }}, path: ledger.key}]
{{- if .Values.secrets.indexKey.name }}
- name: index-key
  secret:
    secretName: {{ .Values.secrets.indexKey.name }}
    defaultMode: 0440
    items: [{key: {{ .Values.secrets.indexKey.key }}, path: index.key}]
{{- end }}
{{- end }}

{{- define "gw.dnsRule" }}
- to: {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- end }}
{{- define "gw.toRule" }}
{{- $rule := index . 0 }}
{{- if $rule.to }}
- to: {{- toYaml $rule.to | nindent 4 }}
  ports: [{protocol: TCP, port: {{ $rule.port }}}]
{{- end }}
{{- end }}
{{- define "gw.providerRules" }}
{{- range .Values.egress.to }}
- to: [{ipBlock: {cidr: {{ .cidr }}{{ with .except }}, except: [{{ join ", " . }}]{{ end }}}}]
  ports: [{{ range $index, $port := .ports }}{{ if $index }}, {{ end }}{protocol: TCP, port: {{ $port }}}{{ end }}]
{{- end }}
{{- end }}

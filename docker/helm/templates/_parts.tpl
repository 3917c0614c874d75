{{/* What every pod has, whoever starts it. */}}

{{- define "click99.selector" -}}
app.kubernetes.io/name: click99
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "click99.labels" -}}
{{ include "click99.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "click99.pod" -}}
securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
{{- with .Values.podSpec }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Numbers as JSON writes them: Helm's own way makes 1e+06 of a million. */}}
{{- define "click99.container" -}}
image: {{ required "image is missing: name the one that you built and pushed, for example --set image=registry.example.org/click99:0.1.0" .Values.image }}
env:
{{- if .Values.ray }}
  - {name: RAY_USAGE_STATS_ENABLED, value: "0"}
  - {name: RAY_worker_niceness, value: "0"}  # Ray's 15 has people wait for every other program
{{- end }}
{{- range $name, $value := .Values.settings }}
  - name: {{ $name }}
    value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
envFrom:
  - secretRef: {name: {{ .Values.secret }}}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end }}

{{/* Resources, with a processor for each of CLICK99_THREADS. */}}
{{- define "click99.resources" -}}
{{- $asked := merge (dict "cpu" (include "click99.threads" .)) (.Values.resources.requests | default dict) }}
resources: {{ merge (dict "requests" $asked) .Values.resources | toJson }}
{{- end }}

{{- define "click99.threads" -}}
{{ required "settings.CLICK99_THREADS is missing: as many processors are asked for each pod, so say how many" .Values.settings.CLICK99_THREADS }}
{{- end }}

{{- define "click99.mounts" -}}
volumeMounts:
  - {name: home, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
lifecycle:
  preStop: {sleep: {seconds: 5}}  # until the service sends it no more clicks
{{- end }}

{{- define "click99.volumes" -}}
volumes:
  - name: home
{{- if .Values.home.shared }}
    persistentVolumeClaim: {claimName: {{ .Values.home.claim | default .Release.Name }}}
{{- else }}
    emptyDir: {}
{{- end }}
  - name: tmp
    emptyDir: {}
{{- end }}

{{/* ray.yaml with this release's numbers. Its settings are variables of the pods, so it needs no args. */}}
{{- define "click99.serveConfig" -}}
{{- $threads := include "click99.threads" . | int }}
{{- $config := .Files.Get "ray.yaml" | fromYaml }}
{{- range $application := $config.applications }}
{{- $_ := unset $application "args" }}
{{- range $deployment := $application.deployments }}
{{- if eq $deployment.name "Replica" }}
{{- $_ := set $deployment.ray_actor_options "num_cpus" $threads }}
{{- with dig "limits" "nvidia.com/gpu" 0 $.Values.resources }}
{{- $_ := set $deployment.ray_actor_options "num_gpus" . }}
{{- end }}
{{- $_ := set $deployment.autoscaling_config "min_replicas" $.Values.pods.min }}
{{- $_ := set $deployment.autoscaling_config "max_replicas" $.Values.pods.max }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $config }}
{{- end }}

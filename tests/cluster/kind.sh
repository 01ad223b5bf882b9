#!/bin/sh
# Brings into a cluster of kind's (the current context) what the chart's tests use and kind has not: metrics-server and KEDA.
# `make kind` calls it. kind enforces NetworkPolicies by itself from 0.24 on; `make test-cluster` loads the images.
set -eu
case $(kubectl config current-context) in
  kind-*) ;;
  *)
    echo "kind: the current context is no cluster of kind's: 'kind create cluster' makes one" >&2
    exit 1
    ;;
esac
install() { # release and chart, version, repository, namespace, options
  name=$1 version=$2 repository=$3 namespace=$4
  shift 4
  helm upgrade --install "$name" "$name" --version "$version" --repo "$repository" \
    --namespace "$namespace" --create-namespace --wait --timeout 5m "$@"
}
# The kubelets of kind have certificates that no authority of the cluster has signed.
install metrics-server 3.13.0 https://kubernetes-sigs.github.io/metrics-server/ kube-system --set 'args={--kubelet-insecure-tls}'
install keda 2.18.3 https://kedacore.github.io/charts keda

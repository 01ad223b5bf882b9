#!/bin/sh
# Makes a pull request of what `make lock-upgrade` changed in the lock files, or says that nothing did.
# `make lock-proposal` calls it. A pull request that a workflow makes starts no workflow: its job has run the tests before.
set -eu
cd "$(dirname "$0")/.."
branch=lock-files
title="The lock files have the newest versions of what is not pinned"
if git diff --quiet -- '*.lock'; then
  echo "The lock files are as new as can be."
  exit
fi
gh auth setup-git
git switch --force-create "$branch"
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
  commit --quiet --message "$title" -- '*.lock'
git push --quiet --force origin "$branch"
if [ -z "$(gh pr list --head "$branch" --state open --json number --jq '.[].number')" ]; then
  gh pr create --head "$branch" --title "$title" --body "Made by the workflow \`lock-files\`, in which \`make test-fast\` passed with them."
fi

#!/bin/sh
# Two people share a repository through a folder, by the example alone: check.sh PROGRAM
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
program=$(realpath "$1")
cd "$scratch"
HOME=$scratch
GIT_CONFIG_NOSYSTEM=1
export HOME GIT_CONFIG_NOSYSTEM
git config --global user.name ann
git config --global user.email ann@example.org

git init -q -b shop ann
git -C ann remote add origin "pod::file://$scratch/pods"
echo one > ann/state
git -C ann add state
git -C ann commit -q -m one
"$program" push ann refs/heads/shop > out
"$program" clone "pod::file://$scratch/pods" bob >> out
echo two > ann/state
git -C ann commit -q -a -m two
"$program" push ann refs/heads/shop >> out
"$program" fetch bob >> out
git -C bob log --format=%s origin/shop >> out
git -C bob fsck --strict

diff - out <<END
pushed
cloned
pushed
fetched
two
one
END

# a failure is said in the words of libpod
if "$program" clone pod::s3://bucket/team carol 2> err; then exit 1; fi
grep -q 'there are no keys' err
if "$program" push ann refs/heads/shop:refs/heads/no/pod 2> err; then exit 1; fi
grep -q 'no/pod was refused' err

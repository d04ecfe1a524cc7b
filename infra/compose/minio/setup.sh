#!/bin/sh
# The bucket, and two users who see that bucket only. Runs in the image of mc; a second run changes nothing.
set -eu

mc mb --ignore-existing "lake/$LAKE_BUCKET"
if [ "$LAKE_VERSIONING" = on ]; then mc version enable "lake/$LAKE_BUCKET"; fi

# user KEY SECRET ACTIONS_OF_BUCKET ACTIONS_OF_OBJECTS
user() {
  cat > /tmp/policy.json <<POLICY
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": [$3], "Resource": ["arn:aws:s3:::$LAKE_BUCKET"]},
  {"Effect": "Allow", "Action": [$4], "Resource": ["arn:aws:s3:::$LAKE_BUCKET/*"]}
]}
POLICY
  # Key and secret by standard input: on a command line everybody could read them.
  printf '%s\n%s\n' "$1" "$2" | mc admin user add lake
  mc admin policy create lake "$1" /tmp/policy.json
  # Attaching what is attached already is an error of mc's.
  mc admin policy attach lake "$1" --user "$1" || mc admin policy entities lake --user "$1"
}

reads_bucket='"s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketVersioning"'
user "$READER_KEY" "$READER_SECRET" "$reads_bucket" '"s3:GetObject"'
user "$WRITER_KEY" "$WRITER_SECRET" "$reads_bucket, \"s3:ListBucketMultipartUploads\"" \
  '"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"'

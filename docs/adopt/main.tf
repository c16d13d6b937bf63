terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
  }
}

variable "layer_zip" {
  description = "What `make lambda-package` made: statebag-layer-arm64-python3.13.zip."
  type        = string
}

variable "kms_key_arn" {
  description = "A customer managed key for the bucket; null for S3's own keys."
  type        = string
  default     = null
}

locals {
  prefix = "state"
  functions = {
    ReadPageArn   = "read_page"
    CheckMeterArn = "check_meter"
    ReportArn     = "report"
  }
}

data "aws_caller_identity" "current" {}

# The bucket for the bytes. It is versioned, so that statebag can repair a lost or damaged object.

resource "aws_s3_bucket" "state" {
  bucket_prefix = "meters-state-"
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    bucket_key_enabled = var.kms_key_arn != null
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

# Deletes old versions of deleted or replaced objects, never a current object.
resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    id     = "what-was-deleted-or-replaced"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    expiration {
      expired_object_delete_marker = true
    }
  }
}

data "aws_iam_policy_document" "tls" {
  statement {
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = data.aws_iam_policy_document.tls.json
}

# The rights of a step.

data "aws_iam_policy_document" "step" {
  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/${local.prefix}/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
  statement {
    sid       = "MissingObjectsAnswer404"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
    resources = [aws_s3_bucket.state.arn]
    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${local.prefix}/*"]
    }
  }
  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Key"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

data "aws_iam_policy_document" "assume" {
  for_each = toset(["lambda", "states"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "step" {
  name_prefix        = "meters-step-"
  assume_role_policy = data.aws_iam_policy_document.assume["lambda"].json
}

resource "aws_iam_role_policy" "state" {
  role   = aws_iam_role.step.id
  policy = data.aws_iam_policy_document.step.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.step.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

# The functions: their own code, and the library as a layer.

data "archive_file" "meters" {
  type        = "zip"
  source_file = "${path.module}/after/meters.py"
  output_path = "${path.module}/meters.zip"
}

resource "aws_lambda_layer_version" "statebag" {
  layer_name               = "statebag"
  filename                 = var.layer_zip
  source_code_hash         = filebase64sha256(var.layer_zip)
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = ["arm64"]
}

# A log group that Lambda creates keeps its logs for ever.
resource "aws_cloudwatch_log_group" "functions" {
  name_prefix       = "/aws/lambda/meters-"
  retention_in_days = 30
}

resource "aws_lambda_function" "meters" {
  for_each         = local.functions
  function_name    = "meters-${replace(each.value, "_", "-")}"
  handler          = "meters.${each.value}"
  filename         = data.archive_file.meters.output_path
  source_code_hash = data.archive_file.meters.output_base64sha256
  layers           = [aws_lambda_layer_version.statebag.arn]
  role             = aws_iam_role.step.arn
  runtime          = "python3.13"
  architectures    = ["arm64"]
  publish          = true # a version for each definition: see docs/adopt.md
  memory_size      = 1769
  timeout          = 60
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.functions.name
  }
  environment {
    variables = {
      STATEBAG_STORE   = "s3://${aws_s3_bucket.state.id}/${local.prefix}"
      STATEBAG_CONTROL = "$.more,$.meters"
      STATEBAG_MOVABLE = "$.readings"
    }
  }
}

# The state machine. meters-jsonata.asl.json does the same in JSONata.

data "aws_iam_policy_document" "machine" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [for function in aws_lambda_function.meters : "${function.arn}:*"]
  }
}

resource "aws_iam_role" "machine" {
  name_prefix        = "meters-machine-"
  assume_role_policy = data.aws_iam_policy_document.assume["states"].json
}

resource "aws_iam_role_policy" "invoke" {
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.machine.json
}

resource "aws_sfn_state_machine" "meters" {
  name     = "meters"
  role_arn = aws_iam_role.machine.arn
  definition = templatefile("${path.module}/after/meters.asl.json", {
    for name, function in aws_lambda_function.meters : name => function.qualified_arn
  })
}

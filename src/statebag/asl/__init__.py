"""Read what a definition means: documents, templates, paths, intrinsic functions, quotas."""

package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func callCreateUpload(ctx context.Context, c *sdkCall, got *parsed) error {
	r := c.r
	out, err := c.api().CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: c.bucket(), Key: c.key(), Metadata: r.metadata(), Tagging: r.tagging(),
		ChecksumAlgorithm: types.ChecksumAlgorithm(strings.ToUpper(r.checksum)),
		ChecksumType:      types.ChecksumType(strings.ToUpper(r.checksumType)),
	}, c.options)
	if err == nil {
		got.uploadID = aws.ToString(out.UploadId)
	}
	return err
}

func callUploadPart(ctx context.Context, c *sdkCall, _ *parsed) error {
	r := c.r
	_, err := c.api().UploadPart(ctx, &s3.UploadPartInput{
		Bucket: c.bucket(), Key: c.key(), UploadId: &r.upload.id, PartNumber: aws.Int32(int32(r.part)),
		Body: c.body, ContentLength: &r.size,
		ChecksumCRC32: r.sum("crc32"), ChecksumCRC32C: r.sum("crc32c"), ChecksumCRC64NVME: r.sum("crc64nvme"),
		ChecksumSHA1: r.sum("sha1"), ChecksumSHA256: r.sum("sha256"),
	}, c.options)
	return err
}

func callUploadPartCopy(ctx context.Context, c *sdkCall, got *parsed) error {
	r := c.r
	out, err := c.api().UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: c.bucket(), Key: c.key(), UploadId: &r.upload.id, PartNumber: aws.Int32(int32(r.part)),
		CopySource: c.copySource(), CopySourceRange: r.rangeText(),
		CopySourceIfMatch: r.sourceCond.match(), CopySourceIfNoneMatch: r.sourceCond.noneMatch(),
	}, c.options)
	if err == nil && out.CopyPartResult != nil {
		d := out.CopyPartResult
		got.etag = aws.ToString(d.ETag)
		got.sums = sums{d.ChecksumCRC32, d.ChecksumCRC32C, d.ChecksumCRC64NVME, d.ChecksumSHA1, d.ChecksumSHA256}
	}
	return err
}

func callCompleteUpload(ctx context.Context, c *sdkCall, got *parsed) error {
	r := c.r
	parts := []types.CompletedPart{}
	for _, one := range r.parts {
		sum := func(algorithm string) *string { return given(one.checksums[algorithm]) }
		parts = append(parts, types.CompletedPart{
			PartNumber: aws.Int32(int32(one.number)), ETag: aws.String(one.etag),
			ChecksumCRC32: sum("crc32"), ChecksumCRC32C: sum("crc32c"), ChecksumCRC64NVME: sum("crc64nvme"),
			ChecksumSHA1: sum("sha1"), ChecksumSHA256: sum("sha256"),
		})
	}
	out, err := c.api().CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: c.bucket(), Key: c.key(), UploadId: &r.upload.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		IfMatch:         r.cond.match(), IfNoneMatch: r.cond.noneMatch(),
	}, c.options)
	if err == nil {
		got.etag = aws.ToString(out.ETag)
		got.sums = sums{out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256}
		got.checksumType = string(out.ChecksumType)
	}
	return err
}

func callAbortUpload(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: c.bucket(), Key: c.key(), UploadId: &c.r.upload.id,
	}, c.options)
	return err
}

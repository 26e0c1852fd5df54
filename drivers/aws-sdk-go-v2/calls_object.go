package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func callPut(ctx context.Context, c *sdkCall, _ *parsed) error {
	r := c.r
	_, err := c.api().PutObject(ctx, &s3.PutObjectInput{
		Bucket: c.bucket(), Key: c.key(), Body: c.body, ContentLength: &r.size,
		IfMatch: r.cond.match(), IfNoneMatch: r.cond.noneMatch(), Metadata: r.metadata(), Tagging: r.tagging(),
		ChecksumCRC32: r.sum("crc32"), ChecksumCRC32C: r.sum("crc32c"), ChecksumCRC64NVME: r.sum("crc64nvme"),
		ChecksumSHA1: r.sum("sha1"), ChecksumSHA256: r.sum("sha256"),
	}, c.options)
	return err
}

func callGet(ctx context.Context, c *sdkCall, got *parsed) error {
	r := c.r
	out, err := c.api().GetObject(ctx, &s3.GetObjectInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(r.version), Range: r.rangeText(), PartNumber: number(r.part),
		IfMatch: r.cond.match(), IfNoneMatch: r.cond.noneMatch(), ChecksumMode: r.mode(),
	}, c.options)
	if err == nil {
		got.body, got.lastModified = out.Body, out.LastModified
	}
	return err
}

func callHead(ctx context.Context, c *sdkCall, got *parsed) error {
	r := c.r
	out, err := c.api().HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(r.version), PartNumber: number(r.part),
		IfMatch: r.cond.match(), IfNoneMatch: r.cond.noneMatch(), ChecksumMode: r.mode(),
	}, c.options)
	if err == nil {
		got.lastModified = out.LastModified
	}
	return err
}

func callDelete(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(c.r.version), IfMatch: c.r.cond.match(),
	}, c.options)
	return err
}

func callDeleteObjects(ctx context.Context, c *sdkCall, got *parsed) error {
	objects := []types.ObjectIdentifier{}
	for i := range c.r.objects {
		one := &c.r.objects[i]
		objects = append(objects, types.ObjectIdentifier{Key: &one.key, VersionId: given(one.version), ETag: given(one.etag)})
	}
	out, err := c.api().DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: c.bucket(), Delete: &types.Delete{Objects: objects, Quiet: &c.r.quiet},
	}, c.options)
	if err == nil {
		got.deleted, got.errors = out.Deleted, out.Errors
	}
	return err
}

func callCopy(ctx context.Context, c *sdkCall, got *parsed) error {
	r := c.r
	input := &s3.CopyObjectInput{
		Bucket: c.bucket(), Key: c.key(), CopySource: c.copySource(),
		IfMatch: r.cond.match(), IfNoneMatch: r.cond.noneMatch(),
		CopySourceIfMatch: r.sourceCond.match(), CopySourceIfNoneMatch: r.sourceCond.noneMatch(),
		MetadataDirective: types.MetadataDirectiveCopy, TaggingDirective: types.TaggingDirectiveCopy,
		Tagging: r.tagging(),
	}
	if r.replace {
		input.MetadataDirective, input.Metadata = types.MetadataDirectiveReplace, r.metadata()
	}
	if r.tags != nil {
		input.TaggingDirective = types.TaggingDirectiveReplace
	}
	out, err := c.api().CopyObject(ctx, input, c.options)
	if err == nil && out.CopyObjectResult != nil {
		d := out.CopyObjectResult
		got.etag = aws.ToString(d.ETag)
		got.sums = sums{d.ChecksumCRC32, d.ChecksumCRC32C, d.ChecksumCRC64NVME, d.ChecksumSHA1, d.ChecksumSHA256}
		got.checksumType = string(d.ChecksumType)
	}
	return err
}

var attributes = []types.ObjectAttributes{
	types.ObjectAttributesEtag, types.ObjectAttributesChecksum, types.ObjectAttributesObjectParts,
	types.ObjectAttributesStorageClass, types.ObjectAttributesObjectSize,
}

func callAttributes(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(c.r.version), ObjectAttributes: attributes,
	}, c.options)
	if err != nil {
		return err
	}
	got.lastModified, got.objectSize = out.LastModified, out.ObjectSize
	got.etag = aws.ToString(out.ETag)
	if got.etag != "" && !strings.HasPrefix(got.etag, `"`) { // this one document has it without quotes
		got.etag = `"` + got.etag + `"`
	}
	if d := out.Checksum; d != nil {
		got.sums = sums{d.ChecksumCRC32, d.ChecksumCRC32C, d.ChecksumCRC64NVME, d.ChecksumSHA1, d.ChecksumSHA256}
		got.checksumType = string(d.ChecksumType)
	}
	return nil
}

func callPutTags(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(c.r.version), Tagging: &types.Tagging{TagSet: c.r.tagList()},
	}, c.options)
	return err
}

func callGetTags(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().GetObjectTagging(ctx, &s3.GetObjectTaggingInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(c.r.version),
	}, c.options)
	if err == nil {
		got.tags = map[string]string{}
		for _, one := range out.TagSet {
			got.tags[aws.ToString(one.Key)] = aws.ToString(one.Value)
		}
	}
	return err
}

func callDeleteTags(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{
		Bucket: c.bucket(), Key: c.key(), VersionId: given(c.r.version),
	}, c.options)
	return err
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	noLocation      = "us-east-1" // the region that a CreateBucket must not name
	replicationRole = "arn:aws:iam::123456789012:role/replication"
)

func callCreateBucket(ctx context.Context, c *sdkCall, _ *parsed) error {
	input := &s3.CreateBucketInput{Bucket: c.bucket()}
	if region := c.client.run.settings.Region; region != noLocation {
		location := types.BucketLocationConstraint(region)
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: location}
	}
	_, err := c.api().CreateBucket(ctx, input, c.options)
	return err
}

func callHeadBucket(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: c.bucket()}, c.options)
	return err
}

func callDeleteBucket(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: c.bucket()}, c.options)
	return err
}

func callPutVersioning(ctx context.Context, c *sdkCall, _ *parsed) error {
	status := types.BucketVersioningStatus(c.r.status)
	_, err := c.api().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: c.bucket(), VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	}, c.options)
	return err
}

func callGetVersioning(ctx context.Context, c *sdkCall, _ *parsed) error {
	_, err := c.api().GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: c.bucket()}, c.options)
	return err
}

// A rule of a plan: docs/semantics.md, Rules.
type rule map[string]any

func (r rule) integer(name string) *int32 {
	given, there := r[name].(json.Number)
	if !there {
		return nil
	}
	n, _ := given.Int64()
	return aws.Int32(int32(n))
}

func (r rule) size(name string) *int64 {
	if n := r.integer(name); n != nil {
		return aws.Int64(int64(*n))
	}
	return nil
}

func (r rule) prefix() *string {
	text, there := r["prefix"].(string)
	if !there {
		return nil
	}
	return &text
}

// tag is the one that a set of so many has.
func (r rule) tag() *types.Tag {
	n := r.integer("tags")
	if n == nil {
		return nil
	}
	return &types.Tag{Key: aws.String("s3p-n"), Value: aws.String(strconv.Itoa(int(*n)))}
}

// conditions counts what a filter says: more than one thing, or a tag with anything, is said with And.
func (r rule) conditions() (n int) {
	for _, name := range []string{"prefix", "above", "below", "tags"} {
		if _, there := r[name]; there {
			n++
		}
	}
	return n
}

func (r rule) lifecycleFilter() *types.LifecycleRuleFilter {
	prefix, above, below, tag := r.prefix(), r.size("above"), r.size("below"), r.tag()
	if r.conditions() > 1 {
		and := &types.LifecycleRuleAndOperator{Prefix: prefix, ObjectSizeGreaterThan: above, ObjectSizeLessThan: below}
		if tag != nil {
			and.Tags = []types.Tag{*tag}
		}
		return &types.LifecycleRuleFilter{And: and}
	}
	if r.conditions() == 0 {
		prefix = aws.String("")
	}
	return &types.LifecycleRuleFilter{Prefix: prefix, ObjectSizeGreaterThan: above, ObjectSizeLessThan: below, Tag: tag}
}

func (r rule) lifecycle(number int) types.LifecycleRule {
	out := types.LifecycleRule{
		ID: aws.String(fmt.Sprintf("rule-%d", number)), Status: types.ExpirationStatusEnabled, Filter: r.lifecycleFilter(),
	}
	if days := r.integer("days"); days != nil {
		out.Expiration = &types.LifecycleExpiration{Days: days}
	} else if markers, _ := r["markers"].(bool); markers {
		out.Expiration = &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}
	}
	if days := r.integer("noncurrent_days"); days != nil {
		out.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: days}
	}
	if days := r.integer("abort_days"); days != nil {
		out.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: days}
	}
	return out
}

func callPutLifecycle(ctx context.Context, c *sdkCall, _ *parsed) error {
	rules := []types.LifecycleRule{}
	for i, one := range c.r.rules {
		rules = append(rules, rule(one).lifecycle(i))
	}
	_, err := c.api().PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: c.bucket(), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
	}, c.options)
	return err
}

func (r rule) replicationFilter() *types.ReplicationRuleFilter {
	prefix, tag := r.prefix(), r.tag()
	if r.conditions() > 1 {
		and := &types.ReplicationRuleAndOperator{Prefix: prefix}
		if tag != nil {
			and.Tags = []types.Tag{*tag}
		}
		return &types.ReplicationRuleFilter{And: and}
	}
	if r.conditions() == 0 {
		prefix = aws.String("")
	}
	return &types.ReplicationRuleFilter{Prefix: prefix, Tag: tag}
}

func callPutReplication(ctx context.Context, c *sdkCall, _ *parsed) error {
	rules := []types.ReplicationRule{}
	for i, given := range c.r.rules {
		one := rule(given)
		markers := types.DeleteMarkerReplicationStatusDisabled
		if replicated, _ := one["markers"].(bool); replicated {
			markers = types.DeleteMarkerReplicationStatusEnabled
		}
		to, _ := one["to"].(string)
		rules = append(rules, types.ReplicationRule{
			ID: aws.String(fmt.Sprintf("rule-%d", i)), Status: types.ReplicationRuleStatusEnabled,
			Priority: aws.Int32(int32(i)), Filter: one.replicationFilter(),
			DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: markers},
			Destination:             &types.Destination{Bucket: aws.String("arn:aws:s3:::" + c.client.run.settings.Buckets[to])},
		})
	}
	_, err := c.api().PutBucketReplication(ctx, &s3.PutBucketReplicationInput{
		Bucket:                   c.bucket(),
		ReplicationConfiguration: &types.ReplicationConfiguration{Role: aws.String(replicationRole), Rules: rules},
	}, c.options)
	return err
}

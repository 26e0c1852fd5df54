package main

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// An sdkCall is a prepared request on its way into the SDK.
type sdkCall struct {
	client *client
	r      *request
	body   io.ReadSeeker
	x      *exchange
}

func (c *sdkCall) api() *s3.Client { return c.client.api }

func (c *sdkCall) bucket() *string { return aws.String(c.client.run.settings.Buckets[c.r.bucket]) }

func (c *sdkCall) key() *string { return &c.r.key.text }

// options of one call: the attempt hook, and whether the body is hashed for the signature.
func (c *sdkCall) options(o *s3.Options) {
	o.APIOptions = append(slices.Clip(o.APIOptions), c.x.addTo)
	if c.client.run.plan.Payload != "signed" && (c.r.op == "put" || c.r.op == "upload_part") {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
}

func newBytes(data []byte) io.ReadSeeker { return bytes.NewReader(data) }

// given is nil for an empty text: the SDK then leaves the field out.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func number(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(n))
}

func (c condition) match() *string {
	if strings.HasPrefix(c.kind, "if_match") {
		return &c.value
	}
	return nil
}

func (c condition) noneMatch() *string {
	if strings.HasPrefix(c.kind, "if_none_match") {
		return &c.value
	}
	return nil
}

func (r *request) metadata() map[string]string {
	out := map[string]string{metaID: r.id.String()}
	for _, one := range tagSet(r.id, r.fields) {
		out[one.name] = one.value
	}
	return out
}

// tagging is the tag set as a header has it.
func (r *request) tagging() *string {
	if r.tags == nil || *r.tags == 0 {
		return nil
	}
	values := url.Values{}
	for _, one := range tagSet(r.id, *r.tags) {
		values.Set(one.name, one.value)
	}
	return aws.String(values.Encode())
}

func (r *request) tagList() []types.Tag {
	list := []types.Tag{}
	for _, one := range tagSet(r.id, *r.tags) {
		list = append(list, types.Tag{Key: aws.String(one.name), Value: aws.String(one.value)})
	}
	return list
}

// sum gives the checksum of the body when it is of that algorithm.
func (r *request) sum(algorithm string) *string {
	if r.checksum != algorithm {
		return nil
	}
	return &r.checksumValue
}

func (r *request) rangeText() *string {
	if !r.ranged {
		return nil
	}
	last := ""
	if r.rangeLast != endOfBody {
		last = strconv.FormatInt(r.rangeLast, 10)
	}
	return aws.String("bytes=" + strconv.FormatInt(r.rangeFirst, 10) + "-" + last)
}

func (r *request) mode() types.ChecksumMode {
	if r.checksumMode {
		return types.ChecksumModeEnabled
	}
	return ""
}

// copySource is the source of a copy as its header has it.
func (c *sdkCall) copySource() *string {
	parts := strings.Split(c.r.source.text, "/")
	for i, one := range parts {
		parts[i] = quote(one)
	}
	source := c.client.run.settings.Buckets[c.r.source.bucket] + "/" + strings.Join(parts, "/")
	if c.r.sourceVersion != "" {
		source += "?versionId=" + quote(c.r.sourceVersion)
	}
	return &source
}

// quote escapes everything but letters, digits and -_.~.
func quote(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// calls are the S3 operations on the SDK: each makes its call and takes from the output what the answer's document said.
var calls = map[string]func(context.Context, *sdkCall, *parsed) error{
	"put":              callPut,
	"get":              callGet,
	"head":             callHead,
	"delete":           callDelete,
	"delete_objects":   callDeleteObjects,
	"copy":             callCopy,
	"get_attributes":   callAttributes,
	"create_upload":    callCreateUpload,
	"upload_part":      callUploadPart,
	"upload_part_copy": callUploadPartCopy,
	"complete_upload":  callCompleteUpload,
	"abort_upload":     callAbortUpload,
	"put_tags":         callPutTags,
	"get_tags":         callGetTags,
	"delete_tags":      callDeleteTags,
	"list":             callList,
	"list_v1":          callListV1,
	"list_versions":    callListVersions,
	"list_uploads":     callListUploads,
	"list_parts":       callListParts,
	"create_bucket":    callCreateBucket,
	"head_bucket":      callHeadBucket,
	"delete_bucket":    callDeleteBucket,
	"put_versioning":   callPutVersioning,
	"get_versioning":   callGetVersioning,
	"put_lifecycle":    callPutLifecycle,
	"put_replication":  callPutReplication,
}

// documents are the operations whose 2xx has a document; an empty one is none.
var documents = map[string]bool{
	"delete_objects": true, "copy": true, "get_attributes": true, "create_upload": true, "upload_part_copy": true,
	"complete_upload": true, "get_tags": true, "list": true, "list_v1": true, "list_versions": true,
	"list_uploads": true, "list_parts": true, "get_versioning": true,
}

package main

import (
	"context"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// pageArguments are what a listing is asked; nil: not given.
type pageArguments struct {
	prefix, delimiter, startAfter *string
	maxKeys                       *int
	token                         []string
}

// A pageForm is how the query of a listing names its arguments; of its token as many as it has.
type pageForm struct {
	maxKeys, startAfter string
	token               []string
}

var pageForms = map[string]pageForm{
	"list":          {"max-keys", "start-after", []string{"continuation-token"}},
	"list_v1":       {"max-keys", "marker", []string{"marker"}},
	"list_versions": {"max-keys", "key-marker", []string{"key-marker", "version-id-marker"}},
	"list_uploads":  {"max-uploads", "key-marker", []string{"key-marker", "upload-id-marker"}},
	"list_parts":    {"max-parts", "part-number-marker", []string{"part-number-marker"}},
}

// query gives every argument by its name; a token replaces the place to start at.
func (r *request) query() map[string]string {
	form, asked := pageForms[r.op], r.page
	out := map[string]string{}
	for name, value := range map[string]*string{
		"prefix": asked.prefix, "delimiter": asked.delimiter, form.startAfter: asked.startAfter,
	} {
		if value != nil {
			out[name] = *value
		}
	}
	if asked.maxKeys != nil {
		out[form.maxKeys] = strconv.Itoa(*asked.maxKeys)
	}
	for i, value := range asked.token {
		out[form.token[i]] = value
	}
	return out
}

func queryText(arguments map[string]string) string {
	var pairs []string
	for name, value := range arguments {
		if value != "" {
			pairs = append(pairs, quote(name)+"="+quote(value))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

// nextQuery is what the token of a page adds to the arguments of the next one.
func nextQuery(op string, token []string) string {
	out := map[string]string{}
	for i, value := range token {
		out[pageForms[op].token[i]] = value
	}
	return queryText(out)
}

// argument is nil for what was not given, or given empty.
func (r *request) argument(name string) *string { return given(r.query()[name]) }

func (r *request) maxKeys() *int32 {
	if r.page.maxKeys == nil {
		return nil
	}
	return aws.Int32(int32(*r.page.maxKeys))
}

// A page is what the answer of a listing said.
type page struct {
	kinds     map[string][]entry // by the element of the document
	truncated bool
	next      []string // as many as the listing's token has; nil: it did not say
	keyCount  *int64
}

var elementForm = regexp.MustCompile(`<(Contents|CommonPrefixes|Version|DeleteMarker|Upload|Part)[\s/>]`)

// inOrder gives the entries as the store listed them: the SDK parts the kinds, the document has them in order.
func (p *page) inOrder(document []byte) (out []entry) {
	taken := map[string]int{}
	for _, match := range elementForm.FindAllSubmatch(document, -1) {
		kind := string(match[1])
		if at := taken[kind]; at < len(p.kinds[kind]) {
			out = append(out, p.kinds[kind][at])
			taken[kind]++
		}
	}
	return out
}

// readPage completes the record of a page, and what an `as` binds of it.
func (c *client) readPage(r *request, a *attempt, got *parsed, out *record, fields *binding) {
	p := got.page
	if p == nil {
		return
	}
	out.Entries = p.inOrder(a.document)
	token := p.next
	if token == nil {
		token = []string{""}
		if n := len(out.Entries); n > 0 {
			token[0] = out.Entries[n-1].Key
		}
	}
	fields.bucket = r.bucket
	if p.truncated {
		out.flag("truncated")
		out.ListNext, fields.token = nextQuery(r.op, token), token
	} else if r.op == "list" && token[0] != "" { // the last page should have none: recorded as it came
		out.ListNext = nextQuery(r.op, token)
	}
	out.Counter = p.keyCount
	for _, one := range out.Entries {
		switch {
		case len(one.Flags) > 0 && one.Flags[0] == "prefix", r.op == "list_parts":
		case r.op == "list_uploads":
			found := c.run.keys.find(r.bucket, one.Key)
			if one.LastModified != nil {
				fields.initiatedMs = max(fields.initiatedMs, *one.LastModified/1_000_000)
			}
			fields.uploads = append(fields.uploads, &upload{id: one.VersionID, key: found, parts: map[int]part{}})
		default:
			fields.objects = append(fields.objects, named{one.Key, one.VersionID, one.ETag})
		}
	}
}

// --- entries ----------------------------------------------------------------------------------------------------------

func nanoseconds(when *time.Time) *int64 {
	if when == nil {
		return nil
	}
	return aws.Int64(when.UnixMilli() * 1_000_000)
}

func orZero(size *int64) *int64 {
	if size == nil {
		return new(int64)
	}
	return size
}

func prefixEntries(prefixes []types.CommonPrefix) (out []entry) {
	for _, one := range prefixes {
		out = append(out, entry{Key: aws.ToString(one.Prefix), Flags: []string{"prefix"}})
	}
	return out
}

func objectEntries(objects []types.Object) (out []entry) {
	for _, one := range objects {
		out = append(out, entry{
			Key: aws.ToString(one.Key), ETag: aws.ToString(one.ETag), Size: orZero(one.Size),
			LastModified: nanoseconds(one.LastModified),
		})
	}
	return out
}

func latest(is *bool, flags ...string) []string {
	if aws.ToBool(is) {
		return append(flags, "latest")
	}
	return flags
}

func objectPage(contents []types.Object, prefixes []types.CommonPrefix, truncated *bool) *page {
	kinds := map[string][]entry{"Contents": objectEntries(contents), "CommonPrefixes": prefixEntries(prefixes)}
	return &page{kinds: kinds, truncated: aws.ToBool(truncated)}
}

func callList(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: c.bucket(), Prefix: c.r.argument("prefix"), Delimiter: c.r.argument("delimiter"), MaxKeys: c.r.maxKeys(),
		StartAfter: c.r.argument("start-after"), ContinuationToken: c.r.argument("continuation-token"),
	}, c.options)
	if err != nil {
		return err
	}
	got.page = objectPage(out.Contents, out.CommonPrefixes, out.IsTruncated)
	got.page.next = []string{aws.ToString(out.NextContinuationToken)}
	if out.KeyCount != nil {
		got.page.keyCount = aws.Int64(int64(*out.KeyCount))
	}
	return nil
}

func callListV1(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().ListObjects(ctx, &s3.ListObjectsInput{
		Bucket: c.bucket(), Prefix: c.r.argument("prefix"), Delimiter: c.r.argument("delimiter"), MaxKeys: c.r.maxKeys(),
		Marker: c.r.argument("marker"),
	}, c.options)
	if err != nil {
		return err
	}
	got.page = objectPage(out.Contents, out.CommonPrefixes, out.IsTruncated)
	if out.NextMarker != nil {
		got.page.next = []string{*out.NextMarker}
	}
	return nil
}

func callListVersions(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().ListObjectVersions(ctx, &s3.ListObjectVersionsInput{
		Bucket: c.bucket(), Prefix: c.r.argument("prefix"), Delimiter: c.r.argument("delimiter"), MaxKeys: c.r.maxKeys(),
		KeyMarker: c.r.argument("key-marker"), VersionIdMarker: c.r.argument("version-id-marker"),
	}, c.options)
	if err != nil {
		return err
	}
	kinds := map[string][]entry{"CommonPrefixes": prefixEntries(out.CommonPrefixes)}
	for _, one := range out.Versions {
		kinds["Version"] = append(kinds["Version"], entry{
			Key: aws.ToString(one.Key), ETag: aws.ToString(one.ETag), VersionID: aws.ToString(one.VersionId),
			Size: orZero(one.Size), LastModified: nanoseconds(one.LastModified), Flags: latest(one.IsLatest),
		})
	}
	for _, one := range out.DeleteMarkers {
		kinds["DeleteMarker"] = append(kinds["DeleteMarker"], entry{
			Key: aws.ToString(one.Key), VersionID: aws.ToString(one.VersionId), Size: new(int64),
			LastModified: nanoseconds(one.LastModified), Flags: latest(one.IsLatest, "marker"),
		})
	}
	got.page = &page{kinds: kinds, truncated: aws.ToBool(out.IsTruncated)}
	got.page.next = []string{aws.ToString(out.NextKeyMarker), aws.ToString(out.NextVersionIdMarker)}
	return nil
}

func callListUploads(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
		Bucket: c.bucket(), Prefix: c.r.argument("prefix"), Delimiter: c.r.argument("delimiter"),
		MaxUploads: c.r.maxKeys(), KeyMarker: c.r.argument("key-marker"), UploadIdMarker: c.r.argument("upload-id-marker"),
	}, c.options)
	if err != nil {
		return err
	}
	kinds := map[string][]entry{"CommonPrefixes": prefixEntries(out.CommonPrefixes)}
	for _, one := range out.Uploads {
		kinds["Upload"] = append(kinds["Upload"], entry{
			Key: aws.ToString(one.Key), VersionID: aws.ToString(one.UploadId), LastModified: nanoseconds(one.Initiated),
		})
	}
	got.page = &page{kinds: kinds, truncated: aws.ToBool(out.IsTruncated)}
	got.page.next = []string{aws.ToString(out.NextKeyMarker), aws.ToString(out.NextUploadIdMarker)}
	return nil
}

func callListParts(ctx context.Context, c *sdkCall, got *parsed) error {
	out, err := c.api().ListParts(ctx, &s3.ListPartsInput{
		Bucket: c.bucket(), Key: c.key(), UploadId: &c.r.upload.id, MaxParts: c.r.maxKeys(),
		PartNumberMarker: c.r.argument("part-number-marker"),
	}, c.options)
	if err != nil {
		return err
	}
	var parts []entry
	for _, one := range out.Parts {
		partNumber := int64(aws.ToInt32(one.PartNumber))
		parts = append(parts, entry{
			KeyIndex: &partNumber, ETag: aws.ToString(one.ETag), Size: orZero(one.Size),
			LastModified: nanoseconds(one.LastModified),
		})
	}
	got.page = &page{kinds: map[string][]entry{"Part": parts}, truncated: aws.ToBool(out.IsTruncated)}
	got.page.next = []string{aws.ToString(out.NextPartNumberMarker)}
	return nil
}

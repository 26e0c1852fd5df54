package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	checksumHeader = "x-amz-checksum-"
	metaHeader     = "x-amz-meta-"
)

var (
	errorDocument = regexp.MustCompile(`^\s*(?:<\?xml[^>]*\?>\s*)?<Error\b`)
	errorCode     = regexp.MustCompile(`<Code>([^<]*)</Code>`)
)

// sums are the checksums that a document tells, in the order of algorithmNames.
type sums [5]*string

// A parsed answer is what the SDK made of its document, and what became of the body of an object.
type parsed struct {
	err          error
	unreadable   bool // a complete 2xx whose document says nothing
	etag         string
	sums         sums
	checksumType string
	lastModified *time.Time
	objectSize   *int64
	uploadID     string
	tags         map[string]string
	page         *page
	deleted      []types.DeletedObject
	errors       []types.Error

	body     io.ReadCloser
	judge    *judge
	summer   *summer
	received int64
}

func isErrorDocument(document []byte) bool { return errorDocument.Match(document) }

func hasElement(document []byte) bool { return bytes.IndexByte(document, '<') >= 0 }

func isChecksumError(err error) bool { return strings.Contains(err.Error(), "checksum did not match") }

// code is the S3 error code, empty when the answer had no body to hold one; and whether a 2xx held it.
func (a *attempt) code() (code string, inDocument bool) {
	inDocument = a.status/100 == 2 && isErrorDocument(a.document)
	if a.err == nil && (inDocument || a.status >= 300) {
		if found := errorCode.FindSubmatch(a.document); found != nil {
			code = strings.ToValidUTF8(string(found[1]), "\uFFFD")
		}
	}
	return code, inDocument
}

// said is a word for people: the code, or why there is none.
func (a *attempt) said(code string, got *parsed) string {
	switch {
	case code != "":
		return code
	case got.unreadable:
		return "unreadable answer"
	case a.err != nil:
		return oneLine(a.err.Error(), 200)
	}
	return ""
}

// etagOf is the ETag of an answer: in its head, else in its document.
func etagOf(_ string, a *attempt, got *parsed) string {
	if told := a.header.Get("ETag"); told != "" {
		return told
	}
	return got.etag
}

func contentLength(header http.Header) int64 {
	length, err := strconv.ParseUint(header.Get("Content-Length"), 10, 62)
	if err != nil {
		return unknownLength
	}
	return int64(length)
}

// lengthInRange is the total length that a Content-Range tells: 1024 of `bytes 0-63/1024`.
func lengthInRange(header http.Header) int64 {
	_, all, _ := strings.Cut(header.Get("Content-Range"), "/")
	length, err := strconv.ParseUint(all, 10, 62)
	if err != nil {
		return unknownLength
	}
	return int64(length)
}

// answerOf is what the head of an answer says of the body behind it; where that begins is for the request to say.
func answerOf(r *request, a *attempt) answer {
	out := answer{hash: keyHash(r.bucket, r.key.text), whole: a.status == http.StatusOK, expect: contentLength(a.header)}
	out.total = lengthInRange(a.header)
	if !out.whole {
		out.start = r.rangeFirst
	} else if out.total == unknownLength {
		out.total = out.expect
	}
	if r.part > 0 { // a part is a body of its own
		out.whole, out.start, out.total = true, 0, out.expect
	}
	out.metaID, _ = parseID(a.header.Get(metaHeader + metaID))
	return out
}

// readAnswer completes the record; it gives what an `as` binds, and the records of a batch's children.
func (c *client) readAnswer(r *request, a *attempt, got *parsed, out *record, fields *binding) []*record {
	fields.nowMs = time.Now().UnixMilli()
	if r.hasKey {
		fields.key, fields.etag, fields.version = &r.key, out.ETag, out.VersionID
	}
	readAsked(r, out)
	readGiven(r, out)
	if read, there := answerReaders[r.op]; there {
		read(c, r, a, got, out, fields)
	}
	readChecksum(r, a, got, out)
	if a.header.Get("x-amz-delete-marker") == "true" {
		out.flag("delete_marker")
	}
	if r.op == "delete_objects" {
		return c.children(r, got, out)
	}
	return nil
}

// readAsked is what the request named.
func readAsked(r *request, out *record) {
	if r.tags != nil && *r.tags > 0 && slices.Contains([]string{"put", "copy", "create_upload"}, r.op) {
		out.flag("tagged")
	}
	out.VersionAsked, out.PartNumber, out.SourceKey = r.version, r.part, sourceText(r)
	if r.upload != nil {
		out.UploadID = r.upload.id
	}
	out.ListArgs = carried(r)
	if _, isPage := pageForms[r.op]; isPage {
		out.ListArgs = queryText(r.query())
	}
	if r.ranged {
		out.RangeFirst, out.RangeLen = r.rangeFirst, -1
		if r.rangeLast != endOfBody {
			out.RangeLen = r.rangeLast - r.rangeFirst + 1
		}
	}
}

func sourceText(r *request) string {
	if !r.hasSource {
		return ""
	}
	text := r.source.bucket + "/" + r.source.text
	if r.sourceVersion != "" {
		text += "?versionId=" + r.sourceVersion
	}
	return text
}

// carried is how many fields of metadata, and the condition on the source of a copy.
func carried(r *request) string {
	var words []string
	if r.fields > 0 {
		words = append(words, "fields="+strconv.Itoa(r.fields))
	}
	if r.sourceCond.kind != "" {
		words = append(words, strings.ReplaceAll(r.sourceCond.kind, "_", "-")+"="+r.sourceCond.value)
	}
	return strings.Join(words, "&")
}

// readGiven is what the request wrote, whatever comes of it.
func readGiven(r *request, out *record) {
	if give, there := givers[r.op]; there {
		give(r, out)
	}
}

var givers = map[string]func(*request, *record){
	"put": func(r *request, out *record) {
		out.Size, out.BodyKind, out.BodyID, out.MetaID = r.size, r.bodyKind, r.id.String(), r.id.String()
		if r.bodyKind == "counter" {
			out.Counter = &r.counter
		}
	},
	"copy": func(r *request, out *record) {
		if r.replace {
			out.MetaID = r.id.String()
		}
		giveTags(r, out)
	},
	"put_tags":      giveTags,
	"create_upload": func(r *request, out *record) { out.MetaID = r.id.String() },
	"upload_part": func(r *request, out *record) {
		out.Size, out.BodyKind, out.BodyID = r.size, r.bodyKind, r.id.String()
	},
	"complete_upload": giveParts,
	"put_versioning":  func(r *request, out *record) { out.ListArgs = "status=" + r.status },
	"put_lifecycle":   giveRules,
	"put_replication": giveRules,
}

func giveTags(r *request, out *record) {
	if r.tags == nil {
		return
	}
	out.BodyKind, out.Size = "tags", int64(*r.tags)
	if *r.tags > 0 {
		out.BodyID = r.id.String()
	}
}

func giveParts(r *request, out *record) {
	ids := []ID{}
	out.Size = 0
	for _, one := range r.parts {
		ids = append(ids, one.id)
		out.Size += one.size
		partNumber, size := int64(one.number), one.size
		out.Entries = append(out.Entries, entry{KeyIndex: &partNumber, Size: &size, ETag: one.etag})
	}
	if id := composite(ids); id != noID {
		out.BodyID = id.String()
	}
	if r.upload.meta != noID {
		out.MetaID = r.upload.meta.String()
	}
}

func giveRules(r *request, out *record) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text) // sorts the names
	encoder.SetEscapeHTML(false)
	if encoder.Encode(r.rules) == nil {
		out.ListArgs = "rules=" + strings.TrimSpace(text.String())
	}
}

// checksumOfHead is the first checksum that the head of an answer tells, as `name=value`; none of a composite one.
func checksumOfHead(header http.Header) string {
	if header.Get(checksumHeader+"type") == "COMPOSITE" {
		return ""
	}
	for _, name := range algorithmNames {
		if value := header.Get(checksumHeader + name); value != "" {
			return name + "=" + value
		}
	}
	return ""
}

// readChecksum: a checksum of the answer, from its head or its document; of a whole read it must be that of the bytes.
func readChecksum(r *request, a *attempt, got *parsed, out *record) {
	for i, name := range algorithmNames {
		value := a.header.Get(checksumHeader + name)
		if value == "" && got.sums[i] != nil {
			value = *got.sums[i]
		}
		if value != "" {
			out.Checksum = name + "=" + value
			break
		}
	}
	whole := r.op == "get" && a.status == http.StatusOK && out.Verdict != "" && out.Verdict != "corrupt"
	if whole && got.summer != nil && !got.summer.agrees() {
		out.Verdict, out.BadOffset = "corrupt", 0
	}
}

// answerReaders take what the answer adds to the record and to the names.
var answerReaders = map[string]func(c *client, r *request, a *attempt, got *parsed, out *record, fields *binding){
	"put": func(_ *client, r *request, _ *attempt, _ *parsed, _ *record, fields *binding) {
		fields.size, fields.hasSize, fields.counter, fields.id = r.size, true, r.counter, r.id.String()
	},
	"get":  (*client).readObject,
	"head": (*client).readObject,
	"get_attributes": func(_ *client, _ *request, _ *attempt, got *parsed, out *record, fields *binding) {
		readModified(got, out)
		if got.objectSize != nil {
			out.Size, fields.size, fields.hasSize = *got.objectSize, *got.objectSize, true
		}
	},
	"create_upload": func(_ *client, r *request, _ *attempt, got *parsed, out *record, fields *binding) {
		if got.uploadID != "" {
			out.UploadID = got.uploadID
			fields.upload = &upload{id: got.uploadID, key: r.key, meta: r.id, parts: map[int]part{}}
		}
	},
	"upload_part": func(_ *client, r *request, _ *attempt, _ *parsed, out *record, fields *binding) {
		fields.size, fields.hasSize = r.size, true
		fields.part = &part{number: r.part, etag: out.ETag, id: r.id, size: r.size}
		if r.checksum != "" {
			fields.part.checksums = map[string]string{r.checksum: r.checksumValue}
		}
	},
	"upload_part_copy": func(_ *client, r *request, _ *attempt, got *parsed, out *record, fields *binding) {
		fields.part = &part{number: r.part, etag: out.ETag, checksums: map[string]string{}}
		for i, name := range algorithmNames {
			if got.sums[i] != nil {
				fields.part.checksums[name] = *got.sums[i]
			}
		}
	},
	"complete_upload": func(_ *client, _ *request, _ *attempt, _ *parsed, out *record, fields *binding) {
		fields.size, fields.hasSize = out.Size, true
	},
	"get_tags":      readTags,
	"list":          (*client).readPage,
	"list_v1":       (*client).readPage,
	"list_versions": (*client).readPage,
	"list_uploads":  (*client).readPage,
	"list_parts":    (*client).readPage,
}

func readModified(got *parsed, out *record) {
	if got.lastModified != nil {
		out.LastModified = got.lastModified.Unix()
	}
}

func readTags(_ *client, _ *request, _ *attempt, got *parsed, out *record, fields *binding) {
	out.BodyKind = "tags"
	if got.tags == nil {
		return
	}
	verdict, id := tagsFound(got.tags)
	out.Size, out.Verdict = int64(len(got.tags)), verdict
	fields.size, fields.hasSize = out.Size, true
	if id != noID {
		out.BodyID = id.String()
	}
}

// readObject: what a GET or a HEAD shows of an object.
func (c *client) readObject(r *request, a *attempt, got *parsed, out *record, fields *binding) {
	if a.status != http.StatusOK && a.status != http.StatusPartialContent {
		return
	}
	told := answerOf(r, a)
	size := lengthInRange(a.header)
	if size == unknownLength {
		size = told.expect
	}
	if size == unknownLength {
		size = got.received
	}
	out.Size, fields.size, fields.hasSize = size, size, true
	if id := readMetadata(a.header, told.metaID, out); id != noID {
		out.MetaID = id.String()
	}
	readModified(got, out)
	out.BytesIn = got.received
	_, constant := c.run.constant.Load(r.key)
	if r.op == "head" || a.err != nil || constant || got.judge == nil {
		return
	}
	found := got.judge.end()
	out.Verdict, out.BadOffset, out.Counter = found.verdict, found.badOffset, found.counter
	fields.id = found.id.String()
	if found.counter != nil {
		fields.counter = *found.counter
	}
	if found.id != noID {
		out.BodyID = found.id.String()
	}
	if found.id2 != noID {
		out.BodyID2 = found.id2.String()
	}
}

// readMetadata gives the id of the metadata: of several fields none unless they are one whole set.
func readMetadata(header http.Header, alone ID, out *record) ID {
	fields := map[string]string{}
	for name := range header {
		if bare, there := strings.CutPrefix(strings.ToLower(name), metaHeader); there && strings.HasPrefix(bare, "s3p-") {
			fields[bare] = header.Get(name)
		}
	}
	if len(fields) == 0 || (len(fields) == 1 && alone != noID) {
		return alone
	}
	verdict, id := tagsFound(fields)
	if verdict != "clean" {
		out.ListArgs = "fields=torn"
		return noID
	}
	out.ListArgs = "fields=" + strconv.Itoa(len(fields))
	return id
}

package main

// A verb is how the request of an S3 step begins, and which of its options it takes.
type verb struct {
	begin   func(op string, s *step, n *names) ([]*request, error)
	options []option
}

// An option puts one option of a step into its request.
type option func(r *request, s *step, n *names, rng *draw) error

var verbs map[string]verb

func init() { // the table refers to functions that look at it
	read := []option{optVersion, optCondition, optRead}
	copied := []option{optSource, optSourceCondition}
	verbs = map[string]verb{
		"put":              {onKey, []option{optBody, optCondition, optMarks}},
		"get":              {onKey, append(read, optRange)},
		"head":             {onKey, read},
		"delete":           {onKey, []option{optVersion, optCondition}},
		"delete_objects":   {onObjects, nil},
		"copy":             {onKey, append(copied, optCondition, optMarks)},
		"create_upload":    {onKey, []option{optMarks}},
		"upload_part":      {onUpload, []option{optBody, optRead, optMarks}},
		"upload_part_copy": {onUpload, append(copied, optRange, optRead)},
		"complete_upload":  {onUpload, []option{optParts, optCondition}},
		"abort_upload":     {onUploads, nil},
		"put_tags":         {onKey, []option{optVersion, optMarks}},
		"get_tags":         {onKey, []option{optVersion}},
		"delete_tags":      {onKey, []option{optVersion}},
		"get_attributes":   {onKey, []option{optVersion}},
		"list":             {onBucket, []option{optPage}},
		"list_v1":          {onBucket, []option{optPage}},
		"list_versions":    {onBucket, []option{optPage}},
		"list_uploads":     {onBucket, []option{optPage}},
		"list_parts":       {onUpload, []option{optPage}},
		"create_bucket":    {onBucket, nil},
		"head_bucket":      {onBucket, nil},
		"delete_bucket":    {onBucket, nil},
		"put_versioning":   {onBucket, []option{optMarks}},
		"get_versioning":   {onBucket, nil},
		"put_lifecycle":    {onBucket, []option{optMarks}},
		"put_replication":  {onBucket, []option{optMarks}},
	}
}

// requestsOf resolves the names of a step: one request, none (an empty page), or one for each upload of a page.
func requestsOf(s *step, n *names, rng *draw) ([]*request, error) {
	row := verbs[s.verb]
	requests, err := row.begin(s.verb, s, n)
	if err != nil {
		return nil, err
	}
	for _, one := range requests {
		for _, apply := range row.options {
			if err := apply(one, s, n, rng); err != nil {
				return nil, err
			}
		}
	}
	return requests, nil
}

// --- how a request begins ---------------------------------------------------------------------------------------------

func onKey(op string, s *step, n *names) ([]*request, error) {
	k, err := n.key(s.on.text, s.Bucket)
	return []*request{{op: op, bucket: k.bucket, key: k, hasKey: true}}, err
}

func ofUpload(op string, u *upload) *request {
	return &request{op: op, bucket: u.key.bucket, key: u.key, hasKey: true, upload: u}
}

func onUpload(op string, s *step, n *names) ([]*request, error) {
	u, err := n.upload(s.on.text)
	if err != nil {
		return nil, err
	}
	return []*request{ofUpload(op, u)}, nil
}

func onUploads(op string, s *step, n *names) ([]*request, error) {
	if _, field, _ := n.reference(s.on.text); field == "upload" {
		return onUpload(op, s, n)
	}
	var requests []*request
	for _, u := range n.of(s.on.text).uploads {
		requests = append(requests, ofUpload(op, u))
	}
	return requests, nil
}

func onBucket(op string, s *step, _ *names) ([]*request, error) {
	return []*request{{op: op, bucket: s.on.text}}, nil
}

func onObjects(op string, s *step, n *names) ([]*request, error) {
	r := &request{op: op, bucket: s.Bucket, quiet: s.Quiet}
	for _, text := range s.on.list {
		r.objects = append(r.objects, named{key: text})
	}
	if s.on.list == nil {
		page := n.of(s.on.text)
		r.objects = append(r.objects, page.objects...)
		if r.bucket == "" {
			r.bucket = page.bucket
		}
	}
	if !s.ETags {
		for i := range r.objects {
			r.objects[i].etag = ""
		}
	}
	if r.bucket == "" {
		r.bucket = n.buckets[0]
	}
	if len(r.objects) == 0 {
		return nil, nil
	}
	return []*request{r}, nil
}

// --- options ----------------------------------------------------------------------------------------------------------

func etagCondition(n *names, kind, text string) condition {
	if text == "*" {
		return condition{kind + "_any", text}
	}
	if value := n.text(text); value != "" {
		return condition{kind, value}
	}
	return condition{kind, noETag}
}

func eitherCondition(n *names, match, noneMatch string) (out condition) {
	if match != "" {
		out = etagCondition(n, "if_match", match)
	}
	if noneMatch != "" {
		out = etagCondition(n, "if_none_match", noneMatch)
	}
	return out
}

func optCondition(r *request, s *step, n *names, _ *draw) error {
	r.cond = eitherCondition(n, s.IfMatch, s.IfNoneMatch)
	return nil
}

func optSourceCondition(r *request, s *step, n *names, _ *draw) error {
	r.sourceCond = eitherCondition(n, s.IfSrcMatch, s.IfSrcNone)
	return nil
}

func optBody(r *request, s *step, n *names, rng *draw) error {
	body := s.Body
	if body == nil {
		body = &planBody{Bytes: sizes{1024}}
	}
	if body.Counter != nil {
		r.bodyKind, r.counter = "counter", n.number(body.Counter)
		return nil
	}
	r.bodyKind = "cells"
	from := body.Bytes
	if from == nil {
		r.bodyKind, from = "constant", body.Constant
	}
	r.size = from[0]
	if len(from) > 1 {
		r.size = from[rng.below(int64(len(from)))]
	}
	return nil
}

func optRange(r *request, s *step, n *names, rng *draw) error {
	if s.Range == nil {
		return nil
	}
	r.ranged, r.rangeFirst, r.rangeLast = true, s.Range.first, s.Range.last
	if length := s.Range.random; length > 0 {
		known := n.keys.sizeOf(r.key)
		r.rangeFirst = rng.below(max(1, known-length+1))
		r.rangeLast = r.rangeFirst + length - 1
	}
	return nil
}

func versionOf(n *names, text string) string {
	if text == "" {
		return ""
	}
	if value := n.text(text); value != "" {
		return value
	}
	return noVersion
}

func optVersion(r *request, s *step, n *names, _ *draw) error {
	r.version = versionOf(n, s.Version)
	return nil
}

func optSource(r *request, s *step, n *names, _ *draw) (err error) {
	r.source, err = n.key(s.Source, s.SourceBucket)
	r.hasSource, r.sourceVersion = true, versionOf(n, s.SourceVer)
	r.replace = s.Metadata == "replace"
	return err
}

func optParts(r *request, s *step, _ *names, _ *draw) error {
	numbers := s.Parts
	if numbers == nil {
		numbers = ordered(r.upload.parts)
	}
	for _, number := range numbers {
		known, there := r.upload.parts[number]
		if !there {
			known = part{number: number, etag: noETag}
		}
		r.parts = append(r.parts, known)
	}
	return nil
}

func optPage(r *request, s *step, n *names, _ *draw) error {
	r.page = pageArguments{prefix: s.Prefix, delimiter: s.Delimiter, maxKeys: s.MaxKeys, startAfter: s.StartAfter}
	if s.Token != "" {
		r.page.token = n.of(s.Token).token
	}
	return nil
}

// optRead and optMarks take the options whose value is the request's as it stands.
func optRead(r *request, s *step, _ *names, _ *draw) error {
	r.part, r.checksumMode = s.Part, s.ChecksumMode
	return nil
}

func optMarks(r *request, s *step, _ *names, _ *draw) error {
	r.fields, r.tags, r.checksum, r.checksumType = s.Fields, s.Tags, s.Checksum, s.ChecksumType
	r.status, r.rules = s.Status, s.Rules
	return nil
}

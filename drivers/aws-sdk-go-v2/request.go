package main

// A named object is one that a page named, to be deleted.
type named struct{ key, version, etag string }

// A part is an acknowledged part of an upload; a part copy has no id of its own.
type part struct {
	number    int
	etag      string
	id        ID
	size      int64
	checksums map[string]string // by algorithm
}

// An upload is a multipart upload, with what was acknowledged of it.
type upload struct {
	id    string
	key   key
	meta  ID
	parts map[int]part
}

// A condition is an If-Match or If-None-Match: kind is a name of the histories, empty without one.
type condition struct{ kind, value string }

// A request is an S3 step with everything resolved.
type request struct {
	op         string
	bucket     string // its role
	key        key
	hasKey     bool
	cond       condition
	sourceCond condition
	again      *result // of this very step's last attempt, when that was unknown: it is the same operation
	version    string

	ranged                bool
	rangeFirst, rangeLast int64 // rangeLast may be endOfBody

	bodyKind     string
	size         int64
	counter      int64
	fields       int  // of the metadata; 0: the id alone
	tags         *int // nil: none asked for
	checksum     string
	checksumType string
	checksumMode bool

	source        key
	hasSource     bool
	sourceVersion string
	replace       bool // the metadata of a copy

	upload  *upload
	part    int
	parts   []part
	objects []named
	quiet   bool
	status  string
	rules   []map[string]any
	page    pageArguments

	id            ID // drawn by whoever sends it
	checksumValue string
}

// A result is how an S3 step ended, and what an `as` binds of it.
type result struct {
	op, outcome string
	status      int
	code        string
	fields      binding
	opSeq       int // its place: number of the operation, and of its last attempt
	attempt     int
}

// A binding is what a name holds.
type binding struct {
	etag, version string
	id            string   // of a value
	token         []string // of a page, as many as its listing has
	key           *key
	size          int64
	hasSize       bool
	counter       int64
	nowMs         int64
	initiatedMs   int64 // of a page of uploads: when its newest one began, by the clock of the store
	upload        *upload
	uploads       []*upload
	objects       []named
	bucket        string
	part          *part
}

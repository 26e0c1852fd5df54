/* Reads one S3 answer with expat: elements by their place in the document, text collected, everything else refused.
 * The reader of a document gives a table of the elements it wants; `take` gets each one's complete text at its end.
 *
 * DTDs (hence entities), depths over S3P_XML_DEPTH and another root are S3P_EFORMAT. Namespace prefixes are ignored.
 * Threads: plain data of its owner. Memory: the parser's goes through core/alloc.h and is gone on return. */
#ifndef S3P_S3_XML_READ_H
#define S3P_S3_XML_READ_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

#define S3P_XML_DEPTH 8

struct s3p_xml_element { /* `parent` is the id of the element around it, 0 for the root */
    int parent, id;
    const char *name;
};

struct s3p_xml_reader {
    const struct s3p_xml_element *elements; /* ends with a NULL name; the first one is the root, id 0 is "unknown" */
    int (*open)(void *arg, int id, struct s3p_err *err);                       /* 0 or a negative code */
    int (*take)(void *arg, int id, struct s3p_str text, struct s3p_err *err); /* text: valid in the call only */
    void *arg;
};
int s3p_xml_read(const struct s3p_xml_reader *r, const char *p, size_t len, struct s3p_err *err) S3P_MUST_CHECK;

/* One more element at the end of an array in the arena; NULL with `err` filled when the arena is full. */
void *s3p_xml_append(struct s3p_arena *arena, void *array, int n, size_t size, struct s3p_err *err);
int s3p_xml_keep(struct s3p_str *out, struct s3p_arena *arena, struct s3p_str text, struct s3p_err *err) S3P_MUST_CHECK;

#endif

/* Reads one S3 answer with expat. The reader of a document gives a table of the elements it wants,
 * by their place in the document; `take` gets each one's complete text at its end. Other elements
 * are skipped; DTDs (hence entities), depths over S3P_XML_DEPTH and another root are S3P_EFORMAT;
 * …Response for …Result, or the other way round, is no other one. Namespace prefixes are ignored.
 *
 * Threads: plain data of its owner. The parser's memory goes through core/alloc.h and is gone on
 * return. */
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
    const struct s3p_xml_element *elements; /* the root first; ends with a NULL name; ids are > 0 */
    /* both return 0, or a negative code that stops the reading; `text` lives for the call only */
    int (*open)(void *arg, int id, struct s3p_err *err);
    int (*take)(void *arg, int id, struct s3p_str text, struct s3p_err *err);
    void *arg;
};
int s3p_xml_read(const struct s3p_xml_reader *r, const char *p, size_t len,
                 struct s3p_err *err) S3P_MUST_CHECK;

/* Behind blanks, a byte order mark and XML declarations: some stores send `<?xml …?>` and blanks
 * for as long as they work, and the document at last. */
const char *s3p_xml_skip_prolog(const char *p, const char *end);

/* Room for one more element behind the n of an array in the arena: the array to use from now on, or
 * NULL with `err` filled when the arena is full. */
void *s3p_xml_append(struct s3p_arena *arena, void *array, int n, size_t size, struct s3p_err *err);
/* Copies a text into the arena. */
int s3p_xml_keep(struct s3p_str *out, struct s3p_arena *arena, struct s3p_str text,
                 struct s3p_err *err) S3P_MUST_CHECK;

#endif

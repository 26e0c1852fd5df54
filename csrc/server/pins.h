/* Readers of objects whose body lies in many files. A reader opens one file at a time, so the files
 * of an object that is replaced meanwhile must stay until its last reader has ended: their removal
 * is put off, in memory only, since a start sweeps what no record names.
 *
 * Threads: any; one lock inside. Objects whose body is one file need none of this: an open
 * descriptor keeps its bytes. */
#ifndef S3P_SERVER_PINS_H
#define S3P_SERVER_PINS_H

#include "server/store.h"

struct s3p_srv_pin;

struct s3p_srv_pins *s3p_srv_pins_create(void); /* NULL without memory */
void s3p_srv_pins_free(struct s3p_srv_pins *p); /* no reader is left */

/* The files of the record with this seq stay from now on, if its first file is still there: the
 * caller opens or looks for that one next, and drops the pin when it has gone. NULL without memory.
 */
struct s3p_srv_pin *s3p_srv_pin_take(const struct s3p_srv_store *s, uint64_t seq);
void s3p_srv_pin_drop(const struct s3p_srv_store *s, struct s3p_srv_pin *pin); /* NULL is a no-op */

/* The record with this seq has been replaced, by a commit: removes its files, the first one first,
 * or leaves that to the last reader. */
void s3p_srv_pins_release(const struct s3p_srv_store *s, uint64_t seq, const uint64_t *bodies,
                          size_t n);

#endif

/* How a command that serves ends: SIGTERM, SIGINT, or the end of the process that was its parent.
 * Call from the main thread, before any other thread is started. */
#ifndef S3P_CORE_ENDS_H
#define S3P_CORE_ENDS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct s3p_ends {
    sigset_t signals, before;
    pid_t parent;
};

/* Notes the parent. First of all: before anybody can know that the process is there. */
void s3p_ends_init(struct s3p_ends *e);
/* The signals; and SIGPIPE and SIGXFSZ: a lost peer is an EPIPE, the limit of a file an EFBIG. */
void s3p_ends_block(struct s3p_ends *e);
void s3p_ends_restore(struct s3p_ends *e); /* what was blocked and has been acted upon is dropped */
/* Waits for a signal, or `with_parent` for the end of the parent too. */
void s3p_ends_wait(const struct s3p_ends *e, bool with_parent);

#endif

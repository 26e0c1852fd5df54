#include "core/ends.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void s3p_ends_init(struct s3p_ends *e)
{
    e->parent = getppid();
}

void s3p_ends_block(struct s3p_ends *e)
{
    sigemptyset(&e->signals);
    sigaddset(&e->signals, SIGTERM);
    sigaddset(&e->signals, SIGINT);
    sigset_t blocked = e->signals;
    sigaddset(&blocked, SIGPIPE); /* these two are never waited for */
    sigaddset(&blocked, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &blocked, &e->before);
}

void s3p_ends_restore(struct s3p_ends *e)
{
    /* what has been acted upon must not be delivered once more */
    while (sigtimedwait(&e->signals, NULL, &(struct timespec){0, 0}) > 0)
        continue;
    pthread_sigmask(SIG_SETMASK, &e->before, NULL);
}

/* A process descriptor tells of the parent's end, because PDEATHSIG would follow the thread that
 * started us; kernels without one are asked once a second. */
void s3p_ends_wait(const struct s3p_ends *e, bool with_parent)
{
    int end_fd = signalfd(-1, &e->signals, SFD_CLOEXEC);
    int parent_fd = with_parent ? (int)syscall(SYS_pidfd_open, e->parent, 0) : -1;
    struct pollfd fds[] = {{.fd = end_fd, .events = POLLIN}, {.fd = parent_fd, .events = POLLIN}};
    int n = 0;
    while (n <= 0 && !(with_parent && getppid() != e->parent))
        n = poll(fds, 2, with_parent ? 1000 : -1);
    if (parent_fd >= 0)
        close(parent_fd);
    if (end_fd >= 0)
        close(end_fd);
}

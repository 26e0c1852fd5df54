#include "server/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/random.h"
#include "server/admin.h"
#include "server/chores.h"
#include "server/front.h"
#include "server/mutants.h"
#include "server/request_log.h"

#define PEM_MAX (1024 * 1024)

static int read_pem(const char *path, struct s3p_buf *out, struct s3p_err *err)
{
    s3p_buf_init(out, PEM_MAX);
    if (path == NULL)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return s3p_fail(err, S3P_EINVAL, errno,
                        "--tls-cert or --tls-key: \"%s\": %s; expected a PEM file", path,
                        strerror(errno));
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        s3p_buf_add(out, chunk, (size_t)n);
    close(fd);
    return n == 0 && s3p_buf_ok(out) ? 0 : s3p_fail(err, S3P_EIO, errno, "%s: cannot read", path);
}

static int start_front(struct s3p_srv *srv, struct s3p_err *err)
{
    struct s3p_buf cert, key;
    struct s3p_srv_options *o = &srv->options;
    if (o->tls_dir != NULL) {
        S3P_TRY(s3p_srv_tls_prepare(&srv->tls, o->tls_dir, err));
        o->tls_cert = srv->tls.cert;
        o->tls_key = srv->tls.key;
    }
    int rc = read_pem(o->tls_cert, &cert, err);
    s3p_buf_init(&key, PEM_MAX);
    if (rc == 0)
        rc = read_pem(o->tls_key, &key, err);
    bool tls = o->tls_cert != NULL;
    if (rc == 0)
        rc = s3p_srv_front_start(srv, tls ? s3p_buf_cstr(&cert) : NULL,
                                 tls ? s3p_buf_cstr(&key) : NULL, err);
    s3p_buf_free(&cert);
    s3p_buf_free(&key);
    return rc;
}

/* Every connection and every body on its way needs a descriptor. */
static void raise_descriptors(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &lim);
    }
}

static int open_parts(struct s3p_srv *srv, struct s3p_err *err)
{
    const struct s3p_srv_options *o = &srv->options;
    const char *dir = o->data;
    if (dir == NULL) {
        S3P_TRY(s3p_srv_temporary_make(&srv->temporary, err));
        dir = srv->temporary.path;
    }
    if (o->n_mutants + o->n_modes > 0 || o->admin)
        S3P_TRY(s3p_srv_mutants_create(&srv->mutants, srv, err));
    S3P_TRY(s3p_srv_store_open(&srv->store, dir, o->durable, err));
    srv->store_open = true;
    S3P_TRY(s3p_srv_store_limit(&srv->store, o->map_bytes, err));
    if (o->request_log != NULL)
        S3P_TRY(s3p_srv_request_log_open(srv, o->request_log, err));
    S3P_TRY(start_front(srv, err));
    S3P_TRY(s3p_srv_chores_start(srv, err));
    return srv->mutants != NULL ? s3p_srv_admin_start(srv, err) : 0;
}

int s3p_srv_open(struct s3p_srv **out, const struct s3p_srv_options *o, struct s3p_err *err)
{
    struct s3p_srv *srv = s3p_calloc(1, sizeof *srv);
    if (srv == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the store");
    srv->options = *o;
    const char *region = strcmp(o->region, "any") != 0 ? o->region : NULL;
    srv->keys = (struct s3p_srv_keys){srv->options.access_key, srv->options.secret_key,
                                       region};
    srv->id_seed = s3p_entropy_u64();
    srv->request_log = -1;
    raise_descriptors();
    int rc = open_parts(srv, err);
    if (rc < 0) {
        s3p_srv_close(srv);
        return rc;
    }
    *out = srv;
    return 0;
}

void s3p_srv_close(struct s3p_srv *srv)
{
    if (srv == NULL)
        return;
    s3p_srv_admin_stop(srv);
    s3p_srv_chores_stop(srv);
    s3p_srv_front_stop(srv);
    s3p_srv_request_log_close(srv);
    s3p_srv_mutants_free(srv->mutants);
    if (srv->store_open)
        s3p_srv_store_close(&srv->store);
    s3p_srv_temporary_remove(&srv->temporary);
    s3p_free(srv);
}

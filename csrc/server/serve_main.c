#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "server/null_server.h"
#include "server/serve.h"

static void print_line(const json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);
    if (text != NULL) {
        printf("%s\n", text);
        fflush(stdout);
        free(text);
    }
}

static json_t *endpoint_text(const struct s3p_srv_options *o, unsigned port)
{
    bool v6 = strchr(o->host, ':') != NULL;
    return json_sprintf("%s://%s%s%s:%u", o->tls_cert != NULL ? "https" : "http", v6 ? "[" : "", o->host,
                        v6 ? "]" : "", port);
}

static void announce(const struct s3p_srv_options *o, const unsigned *ports, unsigned n, unsigned admin)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list, endpoint_text(o, ports[i]));
    json_t *line = json_pack("{s:o, s:o, s:s, s:s, s:i, s:o}", "endpoint", endpoint_text(o, ports[0]),
                             "endpoints", list, "access_key", o->access_key, "secret_key", o->secret_key,
                             "pid", (int)getpid(), "admin",
                             admin != 0 ? json_sprintf("http://127.0.0.1:%u", admin) : json_null());
    print_line(line);
    json_decref(line);
}

static void wait_for_signal(const sigset_t *set)
{
    int sig;
    while (sigwait(set, &sig) != 0)
        continue;
}

static int usage_error(const struct s3p_err *err)
{
    fprintf(stderr, "s3prod serve: %s\n", err->msg);
    return 2;
}

static int run_null(const struct s3p_srv_options *o, const sigset_t *set)
{
    struct s3p_err err = {0};
    struct s3p_null_server *null_server;
    if (s3p_null_server_open(&null_server, o, &err) < 0)
        return usage_error(&err);
    unsigned ports[1] = {s3p_null_server_port(null_server)};
    announce(o, ports, 1, 0);
    wait_for_signal(set);
    s3p_null_server_close(null_server);
    return 0;
}

static int run_store(const struct s3p_srv_options *o, const sigset_t *set)
{
    struct s3p_err err = {0};
    struct s3p_srv *srv;
    if (s3p_srv_open(&srv, o, &err) < 0)
        return usage_error(&err);
    announce(o, srv->ports, o->endpoints, srv->admin_port);
    wait_for_signal(set);
    s3p_srv_close(srv);
    return 0;
}

int s3p_serve_main(int argc, char **argv)
{
    struct s3p_srv_options o;
    struct s3p_err err = {0};
    if (s3p_srv_options_parse(&o, argc, argv, &err) < 0)
        return usage_error(&err);
    if (o.help) {
        fputs(s3p_srv_options_help(), stdout);
        fflush(stdout);
        return 0;
    }
    pid_t parent = getppid();
    if (o.with_parent) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) /* it ended before the request took hold */
            return 0;
    }
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGPIPE); /* blocked and never waited for: a lost client shows as EPIPE */
    pthread_sigmask(SIG_BLOCK, &set, &before);
    sigdelset(&set, SIGPIPE);
    int status = o.null_server ? run_null(&o, &set) : run_store(&o, &set);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* Sockets: passed ones, in a child that systemd might have started, and our own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/activation.h"
#include "suite.h"

static struct sockaddr_in loopback(in_port_t port)
{
        return (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int type, const void *address, socklen_t size, bool listening)
{
        int fd = socket(((const struct sockaddr *)address)->sa_family, type, 0);
        if (bind(fd, address, size) < 0 || (listening && listen(fd, 5) < 0))
                _exit(100);
        return fd;
}

static int tcp(in_addr_t host, bool listening)
{
        struct sockaddr_in in = loopback(0);
        in.sin_addr.s_addr = htonl(host);
        return bound(SOCK_STREAM, &in, sizeof(in), listening);
}

/* A container may have none. */
static bool have_ipv6(void)
{
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool have = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
        close(fd);
        return have;
}

/* What the child found out, sent through a pipe. */
struct answer {
        int r;
        unsigned n;
        bool inherited, cloexec, nonblocking, environment_cleared;
        char address[SERVICE_ADDRESS_SIZE];
        char fault[SERVICE_FAULT_SIZE];
};

static const struct sockaddr_in own = {.sin_family = AF_INET};

/* Runs in the child: descriptors 3 … are the passed ones. */
static void activated(const int *fds, int n, const char *names, const struct service_listen *listen,
                      struct answer *ret)
{
        char text[16];
        for (int i = 0; i < n; i++)
                if (fds[i] < 100 + i && dup2(fds[i], 100 + i) < 0)
                        _exit(101);
        for (int i = 0; i < n; i++)
                if (dup2(100 + i, 3 + i) < 0)
                        _exit(102);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
        snprintf(text, sizeof(text), "%d", n);
        setenv("LISTEN_FDS", text, 1);
        setenv("LISTEN_FDNAMES", names, 1);
        struct service_sockets s;
        ret->r = service_sockets_open(listen, &s, ret->fault);
        ret->n = s.n;
        ret->inherited = s.inherited;
        if (s.n > 0) {
                ret->cloexec = fcntl(s.fds[0], F_GETFD) & FD_CLOEXEC;
                ret->nonblocking = fcntl(s.fds[0], F_GETFL) & O_NONBLOCK;
                strcpy(ret->address, s.addresses[0]);
        }
        ret->environment_cleared = !getenv("LISTEN_FDS");
        service_sockets_done(&s);
}

/* Forks, makes sockets by `make`, passes them. */
static struct answer pass(int (*make)(int *fds), const char *names, bool given, bool guarded)
{
        int pipe_fds[2];
        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        fflush(NULL);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                struct answer a = {};
                int fds[32], out = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 200);
                int n = make(fds);
                const struct service_listen listen = {.address = (const struct sockaddr *)&own,
                                                      .address_size = sizeof(own),
                                                      .given = given,
                                                      .guarded = guarded};
                activated(fds, n, names, &listen, &a);
                _exit(write(out, &a, sizeof(a)) == sizeof(a) ? 0 : 103);
        }
        close(pipe_fds[1]);
        struct answer a = {};
        ck_assert_int_eq(read(pipe_fds[0], &a, sizeof(a)), sizeof(a));
        close(pipe_fds[0]);
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        return a;
}

static int one_loopback(int *fds)
{
        fds[0] = tcp(INADDR_LOOPBACK, true);
        return 1;
}

static int two_loopback(int *fds)
{
        fds[0] = tcp(INADDR_LOOPBACK, true);
        fds[1] = tcp(INADDR_LOOPBACK + 1, true);
        return 2;
}

static int seventeen(int *fds)
{
        for (int i = 0; i < 17; i++)
                fds[i] = tcp(INADDR_LOOPBACK, true);
        return 17;
}

static int wildcard(int *fds)
{
        fds[0] = tcp(INADDR_ANY, true);
        return 1;
}

static int loopback_and_wildcard(int *fds)
{
        fds[0] = tcp(INADDR_LOOPBACK, true);
        fds[1] = tcp(INADDR_ANY, true);
        return 2;
}

static int wildcard6(int *fds)
{
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        fds[0] = bound(SOCK_STREAM, &in6, sizeof(in6), true);
        return 1;
}

static int loopback6(int *fds)
{
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        fds[0] = bound(SOCK_STREAM, &in6, sizeof(in6), true);
        return 1;
}

static int abstract_unix(int *fds)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ordo-%d", (int)getpid());
        fds[0] = bound(SOCK_STREAM, &un,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n), true);
        return 1;
}

static int not_listening(int *fds)
{
        fds[0] = tcp(INADDR_LOOPBACK, false);
        return 1;
}

static int datagrams(int *fds)
{
        struct sockaddr_in in = loopback(0);
        fds[0] = bound(SOCK_DGRAM, &in, sizeof(in), false);
        return 1;
}

static int plain_file(int *fds)
{
        fds[0] = open("/dev/null", O_RDWR);
        return 1;
}

START_TEST(test_one_passed)
{
        struct answer a = pass(one_loopback, "http", false, false);
        ck_assert_str_eq(a.fault, "");
        ck_assert_int_eq(a.r, 0);
        ck_assert_uint_eq(a.n, 1);
        ck_assert(a.inherited && a.cloexec && a.nonblocking && a.environment_cleared);
        ck_assert_int_eq(strncmp(a.address, "127.0.0.1:", 10), 0);
}
END_TEST

static const struct {
        int (*make)(int *fds);
        const char *names;
        bool given, guarded;
        unsigned n; /* 0: refused with `fault` */
        const char *fault;
} passed[] = {
        {two_loopback, "http:http", false, false, 2, NULL},
        {loopback6, "http", false, false, 1, NULL},
        {abstract_unix, "http", false, false, 1, NULL},
        {wildcard, "http", false, true, 1, NULL},
        {wildcard6, "http", false, true, 1, NULL},
        {one_loopback, "http", true, false, 0, "Both ORDO_LISTEN and a socket of systemd"},
        {wildcard, "http", false, false, 0, "Plain HTTP on 0.0.0.0:"},
        {wildcard6, "http", false, false, 0, "Plain HTTP on [::]:"},
        {loopback_and_wildcard, "http:http", false, false, 0, "Plain HTTP on 0.0.0.0:"},
        {one_loopback, "ordo.socket", false, false, 0, "The socket named \"ordo.socket\""},
        {one_loopback, "unknown", false, false, 0, "The socket named \"unknown\""},
        {two_loopback, "http:metrics", false, false, 0, "The socket named \"metrics\""},
        {not_listening, "http", false, false, 0, "Descriptor 3 is not a listening stream"},
        {datagrams, "http", false, false, 0, "Descriptor 3 is not a listening stream"},
        {plain_file, "http", false, false, 0, "Descriptor 3 is not a listening stream"},
        {seventeen,
         "http:http:http:http:http:http:http:http:http:http:http:http:http:http:http:"
         "http:http",
         false, false, 0, "There are more than 16 sockets"},
};

START_TEST(test_passed)
{
        if ((passed[_i].make == wildcard6 || passed[_i].make == loopback6) && !have_ipv6())
                return;
        struct answer a =
                pass(passed[_i].make, passed[_i].names, passed[_i].given, passed[_i].guarded);
        ck_assert_uint_eq(a.n, passed[_i].n);
        ck_assert_int_eq(a.r, passed[_i].fault ? 1 : 0);
        if (passed[_i].fault)
                ck_assert_msg(!strncmp(a.fault, passed[_i].fault, strlen(passed[_i].fault)), "%s",
                              a.fault);
}
END_TEST

static int open_own(const void *address, size_t size, bool guarded, struct service_sockets *s,
                    char *fault)
{
        const struct service_listen listen = {.address = address,
                                              .address_size = (socklen_t)size,
                                              .given = true,
                                              .guarded = guarded};
        return service_sockets_open(&listen, s, fault);
}

static int connect_to(const void *address, size_t size)
{
        int fd = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM, 0);
        int r = connect(fd, address, (socklen_t)size) < 0 ? -errno : 0;
        close(fd);
        return r;
}

/* Descriptors for another process are none of ours. */
START_TEST(test_own_tcp)
{
        setenv("LISTEN_PID", "1", 1);
        setenv("LISTEN_FDS", "1", 1);
        struct sockaddr_in in = loopback(0);
        socklen_t size = sizeof(in);
        struct service_sockets s, second;
        char fault[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&in, sizeof(in), false, &s, fault), 0);
        ck_assert_uint_eq(s.n, 1);
        ck_assert(!s.inherited);
        ck_assert(fcntl(s.fds[0], F_GETFD) & FD_CLOEXEC);
        ck_assert(fcntl(s.fds[0], F_GETFL) & O_NONBLOCK);
        ck_assert_int_eq(getsockname(s.fds[0], (struct sockaddr *)&in, &size), 0);
        ck_assert_int_ne(in.sin_port, 0);
        char expected[64];
        snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(in.sin_port));
        ck_assert_str_eq(s.addresses[0], expected);
        ck_assert_int_eq(connect_to(&in, sizeof(in)), 0);

        ck_assert_int_eq(open_own(&in, sizeof(in), false, &second, fault), 1);
        ck_assert_uint_eq(second.n, 0);
        snprintf(expected, sizeof(expected), "Another program listens on 127.0.0.1:%u.",
                 ntohs(in.sin_port));
        ck_assert_int_eq(strncmp(fault, expected, strlen(expected)), 0);
        service_sockets_done(&s);
        ck_assert_int_eq(connect_to(&in, sizeof(in)), -ECONNREFUSED);
        ck_assert_int_eq(open_own(&in, sizeof(in), false, &second, fault), 0);
        service_sockets_done(&second);
}
END_TEST

START_TEST(test_own_tcp6)
{
        if (!have_ipv6())
                return;
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&in6, sizeof(in6), false, &s, fault), 0);
        ck_assert_int_eq(strncmp(s.addresses[0], "[::1]:", 6), 0);
        service_sockets_done(&s);
}
END_TEST

START_TEST(test_own_other_address)
{
        struct sockaddr_in in = loopback(0);
        in.sin_addr.s_addr = htonl(INADDR_ANY);
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&in, sizeof(in), false, &s, fault), 1);
        ck_assert_int_eq(strncmp(fault, "Plain HTTP on 0.0.0.0:", 22), 0);
        ck_assert_int_eq(open_own(&in, sizeof(in), true, &s, fault), 0);
        service_sockets_done(&s);
        in.sin_addr.s_addr = htonl(0xc0000207); /* 192.0.2.7 is nobody's */
        ck_assert_int_eq(open_own(&in, sizeof(in), true, &s, fault), 1);
        ck_assert_str_eq(fault, "Cannot listen on 192.0.2.7:0: Cannot assign requested address.");
}
END_TEST

static struct sockaddr_un un;
static char dir[64];

static void make_dir(void)
{
        strcpy(dir, "/tmp/ordo-service-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        un = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(un.sun_path, sizeof(un.sun_path), "%s/http", dir);
}

static void remove_dir(void)
{
        unlink(un.sun_path);
        ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(test_own_unix)
{
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE];
        mode_t before = umask(_i == 0 ? 0 : 077);
        ck_assert_int_eq(open_own(&un, sizeof(un), false, &s, fault), 0);
        umask(before);
        struct stat st;
        ck_assert_int_eq(stat(un.sun_path, &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0660);
        char expected[SERVICE_ADDRESS_SIZE];
        snprintf(expected, sizeof(expected), "unix:%s", un.sun_path);
        ck_assert_str_eq(s.addresses[0], expected);
        ck_assert_int_eq(connect_to(&un, sizeof(un)), 0);
        service_sockets_done(&s);
        ck_assert_int_eq(access(un.sun_path, F_OK), -1);
}
END_TEST

START_TEST(test_stale_unix)
{
        close(bound(SOCK_STREAM, &un, sizeof(un), true));
        ck_assert_int_eq(access(un.sun_path, F_OK), 0);
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&un, sizeof(un), false, &s, fault), 0);
        ck_assert_int_eq(connect_to(&un, sizeof(un)), 0);
        service_sockets_done(&s);
}
END_TEST

START_TEST(test_unix_in_use)
{
        int fd = bound(SOCK_STREAM, &un, sizeof(un), true);
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE], expected[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&un, sizeof(un), false, &s, fault), 1);
        snprintf(expected, sizeof(expected), "Another program listens on unix:%s.", un.sun_path);
        ck_assert_str_eq(fault, expected);
        ck_assert_int_eq(connect_to(&un, sizeof(un)), 0);
        close(fd);
}
END_TEST

START_TEST(test_unix_path_is_no_socket)
{
        int fd = open(un.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_eq(write(fd, "data", 4), 4);
        close(fd);
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE], expected[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&un, sizeof(un), false, &s, fault), 1);
        snprintf(expected, sizeof(expected),
                 "unix:%s is not a socket. Remove it, or name another path.", un.sun_path);
        ck_assert_str_eq(fault, expected);
        ck_assert_int_eq(access(un.sun_path, F_OK), 0);
}
END_TEST

START_TEST(test_unix_no_directory)
{
        struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/http"};
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&nowhere, sizeof(nowhere), false, &s, fault), 1);
        ck_assert_str_eq(fault,
                         "Cannot listen on unix:/nonexistent/http: No such file or directory.");
}
END_TEST

/* Whoever takes the descriptors leaves the path to be removed. */
START_TEST(test_taken_over)
{
        struct service_sockets s;
        char fault[SERVICE_FAULT_SIZE];
        ck_assert_int_eq(open_own(&un, sizeof(un), false, &s, fault), 0);
        int fd = s.fds[0];
        s.n = 0;
        service_sockets_done(&s);
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
        ck_assert_int_eq(access(un.sun_path, F_OK), -1);
        close(fd);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("service/activation");
        TCase *c = tcase_create("activation");
        tcase_add_checked_fixture(c, make_dir, remove_dir);
        tcase_add_test(c, test_one_passed);
        tcase_add_loop_test(c, test_passed, 0, sizeof(passed) / sizeof(passed[0]));
        tcase_add_test(c, test_own_tcp);
        tcase_add_test(c, test_own_tcp6);
        tcase_add_test(c, test_own_other_address);
        tcase_add_loop_test(c, test_own_unix, 0, 2);
        tcase_add_test(c, test_stale_unix);
        tcase_add_test(c, test_unix_in_use);
        tcase_add_test(c, test_unix_path_is_no_socket);
        tcase_add_test(c, test_unix_no_directory);
        tcase_add_test(c, test_taken_over);
        suite_add_tcase(s, c);
        return suite_run(s);
}

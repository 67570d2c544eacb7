#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/metrics_process.h"

struct process {
        uint64_t cpu_ticks, start_ticks, virtual_bytes, resident_pages;
};

/* proc(5): of the fields behind the name, which is number 2. */
enum { STATE = 3, USER_TIME = 14, SYSTEM_TIME = 15, START_TIME = 22, VSIZE = 23, RSS = 24 };

static bool read_stat(struct process *ret)
{
        uint64_t fields[RSS + 1];
        char buf[1024];
        _cleanup_(closep) int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        ssize_t n = read(fd, buf, sizeof(buf) - 1);
        if (n <= 0)
                return false;
        buf[n] = '\0';

        char *p = strrchr(buf, ')'); /* the name before may hold anything */
        if (!p || strlen(p) < 4)
                return false;
        p += 3; /* behind the letter of the state */
        for (int i = STATE + 1; i <= RSS; i++) {
                char *end;
                fields[i] = strtoull(p, &end, 10);
                if (end == p)
                        return false;
                p = end;
        }
        *ret = (struct process){
                .cpu_ticks = fields[USER_TIME] + fields[SYSTEM_TIME],
                .start_ticks = fields[START_TIME],
                .virtual_bytes = fields[VSIZE],
                .resident_pages = fields[RSS],
        };
        return true;
}

static double seconds(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double metrics_process_start(void)
{
        struct process p;

        if (!read_stat(&p))
                return 0;
        double after_boot = (double)p.start_ticks / (double)sysconf(_SC_CLK_TCK);
        return seconds(CLOCK_REALTIME) - (seconds(CLOCK_BOOTTIME) - after_boot);
}

static int64_t open_fds(void)
{
        int64_t n = -3; /* ".", ".." and the directory itself */
        DIR *dir = opendir("/proc/self/fd");
        if (!dir)
                return -1;
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static void print(struct text *t, const char *name, const char *type, const char *help,
                  double value)
{
        text_addf(t, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

void metrics_process_print(struct text *t, double start_time)
{
        struct process p;
        struct rlimit limit;
        int64_t fds = open_fds();

        if (read_stat(&p)) {
                print(t, "process_cpu_seconds_total", "counter", "User and system time",
                      (double)p.cpu_ticks / (double)sysconf(_SC_CLK_TCK));
                print(t, "process_resident_memory_bytes", "gauge", "Resident memory",
                      (double)p.resident_pages * (double)sysconf(_SC_PAGESIZE));
                print(t, "process_virtual_memory_bytes", "gauge", "Virtual memory",
                      (double)p.virtual_bytes);
        }
        if (start_time > 0)
                print(t, "process_start_time_seconds", "gauge", "Start, in seconds since 1970",
                      start_time);
        if (fds >= 0)
                print(t, "process_open_fds", "gauge", "Open file descriptors", (double)fds);
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
                print(t, "process_max_fds", "gauge", "Most file descriptors allowed",
                      (double)limit.rlim_cur);
}

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http/address.h"
#include "suite.h"

static int parse(const char *s, struct address *ret)
{
        return address_parse(s, strlen(s), ret);
}

START_TEST(parsing)
{
        char buf[ADDRESS_TEXT_SIZE];
        struct address a;

        ck_assert_int_eq(parse("192.0.2.1", &a), 0);
        ck_assert_str_eq(address_print(&a, buf), "192.0.2.1");
        ck_assert_int_eq(parse("[2001:db8::1]", &a), 0);
        ck_assert_str_eq(address_print(&a, buf), "2001:db8::1");
        ck_assert_int_eq(parse("::ffff:192.0.2.1", &a), 0);
        ck_assert_str_eq(address_print(&a, buf), "192.0.2.1");
        static const char *const bad[] = {"",          "1",         "1.2.3",   "1.2.3.256",
                                          "01.2.3.4",  "[1.2.3.4]", "[::1",    "::1%lo",
                                          "localhost", "1.2.3.4 ",  "12345::", "[]"};
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(parse(bad[i], &a) < 0, "%s", bad[i]);
        ck_assert_int_lt(address_parse("1.2.3.4\0", 8, &a), 0);
}
END_TEST

START_TEST(peers)
{
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
        struct sockaddr_un local = {.sun_family = AF_UNIX};
        struct sockaddr other = {.sa_family = AF_UNSPEC};
        char buf[ADDRESS_TEXT_SIZE];
        struct address a;

        ck_assert(address_of((struct sockaddr *)&v4, &a));
        ck_assert_str_eq(address_print(&a, buf), "192.0.2.1");
        ck_assert(address_of((struct sockaddr *)&local, &a));
        ck_assert_str_eq(address_print(&a, buf), "127.0.0.1");
        ck_assert(!address_of(&other, &a));
}
END_TEST

START_TEST(forwarded)
{
        static const char one[] = "198.51.100.7", two[] = "10.0.0.1, 2001:db8::9 ",
                          bad[] = "1.2.3.4, unknown";
        char buf[ADDRESS_TEXT_SIZE];
        struct address a;

        ck_assert_int_eq(address_forwarded(one, strlen(one), &a), 0);
        ck_assert_str_eq(address_print(&a, buf), "198.51.100.7");
        ck_assert_int_eq(address_forwarded(two, strlen(two), &a), 0);
        ck_assert_str_eq(address_print(&a, buf), "2001:db8::9");
        ck_assert_int_lt(address_forwarded(bad, strlen(bad), &a), 0);
        ck_assert_int_lt(address_forwarded("", 0, &a), 0);
}
END_TEST

static bool holds(const char *net, const char *address)
{
        struct network n;
        struct address a;

        ck_assert_int_eq(network_parse(net, strlen(net), &n), 0);
        ck_assert_int_eq(parse(address, &a), 0);
        return network_holds(&n, &a);
}

START_TEST(networks)
{
        char buf[NETWORK_TEXT_SIZE];
        struct network n;

        ck_assert(holds("10.0.0.0/8", "10.255.1.2"));
        ck_assert(!holds("10.0.0.0/8", "11.0.0.0"));
        ck_assert(holds("192.0.2.128/25", "192.0.2.255"));
        ck_assert(!holds("192.0.2.128/25", "192.0.2.127"));
        ck_assert(holds("192.0.2.7", "192.0.2.7"));
        ck_assert(!holds("192.0.2.7", "192.0.2.6"));
        ck_assert(holds("0.0.0.0/0", "203.0.113.1"));
        ck_assert(!holds("0.0.0.0/0", "2001:db8::1"));
        ck_assert(holds("::/0", "2001:db8::1"));
        ck_assert(holds("2001:db8::/33", "2001:db8:7fff::1"));
        ck_assert(!holds("2001:db8::/33", "2001:db8:8000::1"));
        ck_assert_int_eq(network_parse("10.0.0.0/8", 10, &n), 0);
        ck_assert_str_eq(network_print(&n, buf), "10.0.0.0/8");
        ck_assert_int_eq(network_parse("::/0", 4, &n), 0);
        ck_assert_str_eq(network_print(&n, buf), "::/0");
        static const char *const bad[] = {"",
                                          "/8",
                                          "10.0.0.0/33",
                                          "10.0.0.0/",
                                          "10.0.0.0/-1",
                                          "10.0.0.1/8",
                                          "2001:db8::1/64",
                                          "[::1]/128",
                                          "::/129",
                                          "10.0.0.0/8 "};
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(network_parse(bad[i], strlen(bad[i]), &n) < 0, "%s", bad[i]);
}
END_TEST

static bool host(const char *s)
{
        static const char *const listed[] = {"ordo.example.org", NULL};

        return host_allowed(s, strlen(s), listed);
}

START_TEST(hosts)
{
        static const char *const good[] = {"127.0.0.1",
                                           "127.0.0.1:8080",
                                           "[::1]",
                                           "[::1]:8080",
                                           "localhost",
                                           "LocalHost:1",
                                           "ordo.example.org",
                                           "ORDO.example.org:443",
                                           "203.0.113.9"};
        static const char *const bad[] = {"",
                                          ":80",
                                          "example.org",
                                          "ordo.example.org.",
                                          "xordo.example.org",
                                          "localhost:0",
                                          "localhost:65536",
                                          "localhost:",
                                          "localhost:1x",
                                          "::1",
                                          "[::1",
                                          "[::1]x",
                                          "a b",
                                          "localhost.example.org",
                                          "127.0.0.1.example.org",
                                          "user@localhost"};

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
                ck_assert_msg(host(good[i]), "%s", good[i]);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(!host(bad[i]), "%s", bad[i]);
        ck_assert(!host_allowed("ordo.example.org", 16, NULL));
}
END_TEST

SUITE("http/address", parsing, peers, forwarded, networks, hosts)

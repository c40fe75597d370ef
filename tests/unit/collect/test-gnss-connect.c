/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which addresses of gpsd are taken, and what they become.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "gnss-connect.h"

static void assert_ipv4(const GnssAddress *address, const char *host, uint16_t port) {
        const struct sockaddr_in *in = (const void *)&address->address;
        char text[INET_ADDRSTRLEN];

        assert_int_equal(address->address.ss_family, AF_INET);
        assert_int_equal(address->size, sizeof(*in));
        assert_string_equal(inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)), host);
        assert_int_equal(ntohs(in->sin_port), port);
}

static void assert_ipv6(const GnssAddress *address, const char *host, uint16_t port) {
        const struct sockaddr_in6 *in6 = (const void *)&address->address;
        char text[INET6_ADDRSTRLEN];

        assert_int_equal(address->address.ss_family, AF_INET6);
        assert_int_equal(address->size, sizeof(*in6));
        assert_string_equal(inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)), host);
        assert_int_equal(ntohs(in6->sin6_port), port);
}

static void test_ipv4(void **state) {
        GnssAddress addresses[GNSS_ADDRESSES_MAX];
        size_t n = 0;

        assert_int_equal(gnss_address_parse("192.0.2.7:2947", addresses, &n), 0);
        assert_int_equal(n, 1);
        assert_ipv4(addresses, "192.0.2.7", 2947);
}

static void test_ipv6_in_brackets(void **state) {
        GnssAddress addresses[GNSS_ADDRESSES_MAX];
        size_t n = 0;

        assert_int_equal(gnss_address_parse("[2001:db8::7]:65535", addresses, &n), 0);
        assert_int_equal(n, 1);
        assert_ipv6(addresses, "2001:db8::7", 65535);
}

static void test_localhost_is_both_loopbacks(void **state) {
        GnssAddress addresses[GNSS_ADDRESSES_MAX];
        size_t n = 0;

        assert_int_equal(gnss_address_parse("localhost:1", addresses, &n), 0);
        assert_int_equal(n, 2);
        assert_ipv6(addresses, "::1", 1);
        assert_ipv4(addresses + 1, "127.0.0.1", 1);
}

static void test_anything_else_is_refused(void **state) {
        static const char *const wrong[] = {
                "", ":", ":2947", "localhost", "localhost:", "localhost:0", "localhost:65536", "localhost:29x",
                "localhost:-1", "127.0.0.1", "127.0.0.1:+5", "127.1:2947", "gps.example.org:2947", "::1:2947", "[::1]",
                "[::1]2947", "[]:2947", "[127.0.0.1]:2947", "[localhost]:2947", "[::1:2947", "::1]:2947",
                " 127.0.0.1:2947", "[fe80::1%lo]:2947",
                "[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555]:2947",
        };
        GnssAddress addresses[GNSS_ADDRESSES_MAX];
        size_t n = 77;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                if (gnss_address_parse(wrong[i], addresses, &n) != -EINVAL || n != 77)
                        fail_msg("taken: \"%s\"", wrong[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ipv4),
                cmocka_unit_test(test_ipv6_in_brackets),
                cmocka_unit_test(test_localhost_is_both_loopbacks),
                cmocka_unit_test(test_anything_else_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "counters.h"
#include "reader.h"
#include "unit-test.h"

static const Counters a = {
                .classes =
                                {
                                                [ACCT_INTERNET] = {.ingress_bytes = 1000,
                                                                .ingress_packets = 10,
                                                                .egress_bytes = 2000,
                                                                .egress_packets = 20},
                                                [ACCT_LOCAL] = {.ingress_bytes = 300,
                                                                .ingress_packets = 3,
                                                                .egress_bytes = 400,
                                                                .egress_packets = 4},
                                                [ACCT_LOOPBACK] = {.ingress_bytes = 50,
                                                                .ingress_packets = 5,
                                                                .egress_bytes = 60,
                                                                .egress_packets = 6},
                                },
};

static void test_sum_by_mask(void **state) {
        struct acct_slot s;

        (void) state;

        s = counters_sum(&a, COUNTERS_EXTERNAL);
        assert_int_equal(s.ingress_bytes, 1300);
        assert_int_equal(s.ingress_packets, 13);
        assert_int_equal(s.egress_bytes, 2400);
        assert_int_equal(s.egress_packets, 24);

        s = counters_sum(&a, COUNTERS_ALL);
        assert_int_equal(s.ingress_bytes, 1350);
        assert_int_equal(s.egress_packets, 30);
}

static void test_add_and_sub(void **state) {
        Counters c = a;

        (void) state;

        counters_add(&c, &a);
        assert_int_equal(c.classes[ACCT_LOCAL].egress_bytes, 800);
        assert_true(counters_covers(&c, &a));
        assert_false(counters_covers(&a, &c));

        counters_sub(&c, &a);
        assert_memory_equal(&c, &a, sizeof(a));

        counters_sub(&c, &a);
        assert_true(counters_is_zero(&c));

        /* never below zero */
        counters_sub(&c, &a);
        assert_true(counters_is_zero(&c));
}

static void test_sum_of_cpus(void **state) {
        Counters cpus[3] = {a, {}, a}, sum;

        (void) state;

        cpus[1].classes[ACCT_LOOPBACK].egress_packets = UINT64_C(1) << 40;
        sum = reader_sum(cpus, 3);

        assert_int_equal(sum.classes[ACCT_INTERNET].ingress_bytes, 2000);
        assert_int_equal(sum.classes[ACCT_LOOPBACK].egress_packets, (UINT64_C(1) << 40) + 12);
}

static void test_class_names(void **state) {
        (void) state;

        assert_string_equal(acct_class_to_string(ACCT_INTERNET), "internet");
        assert_string_equal(acct_class_to_string(ACCT_LOCAL), "local");
        assert_string_equal(acct_class_to_string(ACCT_LOOPBACK), "loopback");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_sum_by_mask),
                        cmocka_unit_test(test_add_and_sub),
                        cmocka_unit_test(test_sum_of_cpus),
                        cmocka_unit_test(test_class_names),
        };

        return RUN_TESTS(tests);
}

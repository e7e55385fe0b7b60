"""Every number of the reports in SQL, asked of the tables of report_truth.py; columns are named as in the reports.

first, last: the period; shown_first, shown_last: what rows are cut from; unit, step: their size; before_last: the last
day compared with; since, until: the days of a key number.
"""

CUT = """
SELECT greatest(start::date, %(first)s) AS first, least((start + %(step)s::interval)::date - 1, %(last)s) AS last
FROM generate_series(
    date_trunc(%(unit)s, %(shown_first)s::timestamp), %(shown_last)s::timestamp, %(step)s::interval
) start
"""
BEGINNING = "greatest(date_trunc(%(unit)s, day::timestamp)::date, %(first)s)"
COUNTED = "FILTER (WHERE is_counted)"
CHANGE = """CASE WHEN previous <> 0 THEN round((revenue - previous) * 100 / previous, 1)
    WHEN revenue <> 0 THEN 'Infinity'::numeric END"""
# Where a day of the one period has its counterpart in the other.
SHIFTS = {"previous": "{day} - %(days)s::int", "year": "({day} - interval '1 year')::date", "none": "{day}"}

SALES_TILES = f"""
SELECT coalesce(sum(amount) {COUNTED}, 0) AS "Revenue", count(*) AS "Orders",
    round(sum(amount) {COUNTED} / nullif(count(*) {COUNTED}, 0), 2) AS "Average order",
    coalesce(sum(units) {COUNTED}, 0) AS "Units" FROM
"""
SALES = f"""
WITH cut AS ({CUT}), sums AS (
    SELECT {BEGINNING} AS first, count(*) AS orders, count(*) {COUNTED} AS counted,
        coalesce(sum(units) {COUNTED}, 0) AS units, coalesce(sum(amount) {COUNTED}, 0) AS revenue
    FROM placed GROUP BY 1
), before AS (SELECT day, sum(amount) AS amount FROM earlier WHERE is_counted GROUP BY 1),
moved AS (
    SELECT *, {{shift}} AS since, coalesce(lead({{shift}}) OVER (ORDER BY first), %(before_last)s + 1) AS until FROM cut
), beside AS (
    SELECT first, last, coalesce(orders, 0) AS orders, coalesce(counted, 0) AS counted, coalesce(units, 0) AS units,
        coalesce(revenue, 0) AS revenue,
        (SELECT coalesce(sum(amount), 0) FROM before WHERE day >= since AND day < until) AS previous
    FROM moved LEFT JOIN sums USING (first)
)
SELECT first AS key, first || ' ' || last AS period, orders, counted, units, revenue, previous, {CHANGE} AS change
FROM beside ORDER BY 1
"""
SALES_TOTAL = f"""
SELECT *, {CHANGE} AS change FROM (
    SELECT count(*) AS orders, count(*) {COUNTED} AS counted, coalesce(sum(units) {COUNTED}, 0) AS units,
        coalesce(sum(amount) {COUNTED}, 0) AS revenue,
        (SELECT coalesce(sum(amount), 0) FROM earlier WHERE is_counted) AS previous
    FROM placed) whole
"""

PRODUCTS = f"""
WITH now AS (
    SELECT product_id, sum(quantity) AS units, count(DISTINCT order_id) AS orders, sum(amount) AS revenue FROM sold
    GROUP BY 1
), before AS (SELECT product_id, sum(amount) AS amount FROM sold_earlier GROUP BY 1), beside AS (
    SELECT now.*, coalesce(before.amount, 0) AS previous FROM now LEFT JOIN before USING (product_id)
)
SELECT product_id AS key, p.name AS product, p.sku, coalesce(c.name, '') AS category, units, orders, revenue,
    round(revenue * 100 / nullif((SELECT sum(amount) FROM sold), 0), 1) AS share, previous, {CHANGE} AS change
FROM beside JOIN products p USING (product_id) LEFT JOIN categories c USING (category_id)
"""
PRODUCTS_TOTAL = """
SELECT coalesce(sum(quantity), 0) AS units, coalesce(sum(amount), 0) AS revenue,
    CASE WHEN sum(amount) > 0 THEN 100 END AS share FROM sold
"""
PRODUCTS_TILES = """
SELECT coalesce(sum(quantity), 0) AS "Units", count(DISTINCT product_id) AS "Products sold",
    coalesce(sum(amount), 0) AS "Revenue" FROM
"""
TOP_SHARE = """
SELECT round(max(amount) * 100 / nullif(sum(amount), 0), 1) AS "Top share"
FROM (SELECT sum(amount) AS amount FROM sold GROUP BY product_id) of_products
"""
SOLD_IN_TIME = f"""
WITH cut AS ({CUT}), sums AS (
    SELECT {BEGINNING} AS first, sum(quantity) AS units, sum(amount) * 100 AS cents FROM sold GROUP BY 1
)
SELECT coalesce(units, 0) AS units, coalesce(cents, 0) AS cents FROM cut LEFT JOIN sums USING (first) ORDER BY cut.first
"""

CUSTOMERS = f"""
WITH lives AS (
    SELECT user_id, count(*) AS orders, sum(total_amount) AS spent, %(today)s - max(day) AS age FROM truth_orders
    WHERE is_counted AND day <= %(today)s GROUP BY 1
)
SELECT user_id AS key, customer, user_id AS number, count(*) AS orders, coalesce(sum(amount) {COUNTED}, 0) AS spent,
    min(at) AS first, max(at) AS last, CASE
        WHEN age IS NULL THEN 'Never bought'
        WHEN age <= 60 AND lives.orders >= 5 AND lives.spent >= 500 THEN 'Champion'
        WHEN age <= 120 AND lives.orders >= 3 THEN 'Loyal'
        WHEN age <= 60 THEN 'New'
        WHEN age <= 120 THEN 'Promising'
        WHEN age <= 365 AND lives.orders >= 3 THEN 'At risk, frequent'
        WHEN age <= 365 AND lives.spent >= 500 THEN 'At risk, valuable'
        WHEN age <= 365 THEN 'Cooling'
        ELSE 'Lost' END AS segment
FROM placed LEFT JOIN lives USING (user_id) GROUP BY user_id, customer, age, lives.orders, lives.spent
"""
CUSTOMERS_TOTAL = f"""
SELECT count(*) AS orders, coalesce(sum(amount) {COUNTED}, 0) AS spent, min(at) AS first, max(at) AS last FROM placed
"""
CUSTOMERS_TILES = """
SELECT count(*) FILTER (WHERE counted > 0 AND first_day >= %(since)s) AS "New customers",
    count(*) FILTER (WHERE counted > 0 AND first_day < %(since)s) AS "Returning customers",
    round(count(*) FILTER (WHERE counted > 1) * 100.0 / nullif(count(*) FILTER (WHERE counted > 0), 0), 1)
        AS "Repeat rate",
    coalesce(sum(orders), 0) AS "Orders"
FROM (SELECT user_id, first_day, count(*) AS orders, count(*) FILTER (WHERE is_counted) AS counted FROM {orders}
      GROUP BY 1, 2) of_customers
"""
KINDS = f"""
WITH cut AS ({CUT}), active AS (
    SELECT {BEGINNING} AS first, user_id, first_day FROM placed WHERE is_counted GROUP BY 1, 2, 3
)
SELECT cut.first AS key, cut.first || ' ' || last AS period,
    count(user_id) FILTER (WHERE first_day >= cut.first) AS new,
    count(user_id) FILTER (WHERE first_day < cut.first) AS returning
FROM cut LEFT JOIN active USING (first) GROUP BY cut.first, last ORDER BY 1
"""

STATUSES = """
SELECT place - 1 AS key, name AS status, count(order_id) AS orders,
    round(count(order_id) * 100.0 / nullif((SELECT count(*) FROM placed), 0), 1) AS share,
    coalesce(sum(units), 0) AS units, coalesce(sum(amount), 0) AS amount, min(at) AS oldest,
    round(extract(epoch FROM %(now)s - (array_agg(at ORDER BY at))[(count(order_id) + 1) / 2]) / 86400, 1) AS age
FROM unnest(ARRAY['pending', 'paid', 'shipped', 'delivered', 'returned', 'cancelled'])
    WITH ORDINALITY AS s (name, place)
LEFT JOIN placed ON status = name WHERE name = ANY(%(statuses)s) GROUP BY place, name
"""
STATUSES_TOTAL = """
SELECT count(*) AS orders, CASE WHEN count(*) > 0 THEN 100 END AS share, coalesce(sum(units), 0) AS units,
    coalesce(sum(amount), 0) AS amount, min(at) AS oldest FROM placed
"""
STATUSES_TILES = """
SELECT count(*) FILTER (WHERE status IN ('pending', 'paid', 'shipped')) AS "Open now", count(*) AS "Orders",
    round(count(*) FILTER (WHERE status = 'cancelled') * 100.0 / nullif(count(*), 0), 1) AS "Cancelled" FROM
"""
# Half of them, and nine of ten, took at most so long.
TIMES = """
SELECT place - 1 AS key, step, round(took[ceil(number * 0.5)::int] / 60, 1) AS p50,
    round(took[ceil(number * 0.9)::int] / 60, 1) AS p90
FROM (
    SELECT place, step, count(minutes) AS number, array_agg(minutes ORDER BY minutes) AS took
    FROM (VALUES (1, 'Placed – paid'), (2, 'Paid – shipped'), (3, 'Shipped – delivered')) AS s (place, step)
    LEFT JOIN (
        SELECT unnest(ARRAY[1, 2, 3]) AS place, unnest(ARRAY[paid, shipped, delivered]) AS minutes FROM truth_steps
        WHERE day BETWEEN %(since)s AND %(until)s AND status = ANY(%(statuses)s)
    ) taken USING (place)
    GROUP BY 1, 2
) each_step
"""
STATUSES_IN_TIME = f"""
WITH cut AS ({CUT}), sums AS (
    SELECT {BEGINNING} AS first, count(*) AS orders, count(*) FILTER (WHERE status = 'cancelled') AS cancelled
    FROM placed GROUP BY 1
)
SELECT coalesce(orders, 0) AS orders, coalesce(cancelled, 0) AS cancelled FROM cut LEFT JOIN sums USING (first)
ORDER BY cut.first
"""

COHORTS = """
SELECT date_trunc('month', first_day)::date AS cohort, count(DISTINCT user_id) AS customers,
    count(*) FILTER (WHERE nth = 2) AS seconds, count(*) FILTER (WHERE nth = 2 AND is_soon) AS soon
FROM truth_orders WHERE is_counted AND day <= %(today)s
    AND date_trunc('month', first_day) BETWEEN date_trunc('month', %(first)s::timestamp) AND %(last)s
GROUP BY 1
"""
RETENTION = f"""
WITH cohorts AS ({COHORTS})
SELECT cohort AS key, cohort || ' ' || (cohort + interval '1 month' - interval '1 day')::date AS cohort, customers,
    round(seconds * 100.0 / customers, 1) AS second, round(soon * 100.0 / customers, 1) AS soon FROM cohorts ORDER BY 1
"""
RETENTION_TOTAL = f"""
SELECT coalesce(sum(customers), 0) AS customers, round(sum(seconds) * 100 / sum(customers), 1) AS second,
    round(sum(soon) * 100 / sum(customers), 1) AS soon FROM ({COHORTS}) cohorts
"""
COME_BACK = """
SELECT date_trunc('month', first_day)::date AS cohort, (extract(year FROM day) * 12 + extract(month FROM day)
    - extract(year FROM first_day) * 12 - extract(month FROM first_day))::int AS later,
    count(DISTINCT user_id) AS customers
FROM truth_orders WHERE is_counted AND day <= %(today)s GROUP BY 1, 2
"""
MOST_MONTHS = 24

ORDERS = """
SELECT order_id AS key, order_id AS "order", at AS placed, customer, status, units, amount FROM placed
"""
ORDERS_TILES = f"""
SELECT count(*) AS "Orders", coalesce(sum(units), 0) AS "Units", coalesce(sum(amount), 0) AS "Amount",
    count(*) {COUNTED} AS "Counted orders", coalesce(sum(amount) {COUNTED}, 0) AS "Revenue" FROM placed
"""

PER_DAY = """
SELECT day, status, count(*) AS orders, sum(total_amount) AS amount FROM truth_orders
WHERE day BETWEEN %(first)s AND %(last)s AND status = ANY(%(statuses)s) GROUP BY 1, 2
"""
BOTH_STORES = "orders, orders AS mirrored, amount, amount AS mirrored_amount, 0 AS more, 0 AS difference"
TRUST = f"""
SELECT row_number() OVER (ORDER BY day, status COLLATE "C") - 1 AS key, day, status, {BOTH_STORES}
FROM ({PER_DAY}) per_day
"""
TRUST_TOTAL = f"""
SELECT {BOTH_STORES}
FROM (SELECT coalesce(sum(orders), 0) AS orders, coalesce(sum(amount), 0) AS amount FROM ({PER_DAY}) per_day) whole
"""
TRUST_TILES = """
SELECT (SELECT count(*) FROM history_events WHERE order_id IS NOT NULL AND delivered_at IS NULL
        AND parked_at IS NOT NULL) AS "Parked changes",
    (SELECT lag_p99_ms FROM mirror_samples ORDER BY taken_at DESC LIMIT 1) AS "Lag p99, last minute, ms"
"""
LAG = """
SELECT date_trunc('hour', taken_at) AS key, date_trunc('hour', taken_at) AS hour, sum(delivered) AS delivered,
    max(pending) AS pending, max(parked) AS parked, max(lag_p99_ms) AS p99
FROM mirror_samples WHERE taken_at >= %(now)s - interval '48 hours' AND taken_at < %(now)s GROUP BY 1
"""

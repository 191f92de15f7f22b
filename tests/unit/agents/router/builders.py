"""The policy of the router's tests."""

from schemas.policy import Policy, RateLimit, Rule, Template

RULES = (
    Rule("order.shipped", "transactional", None, ("email", "push"), template="shipped"),
    Rule("account.otp", "security", "high", ("sms", "email"), "first", template="otp"),
    Rule("partner.order", "transactional", "medium", ("webhook",)),
)

TEMPLATES = (
    Template("shipped", 7, "email", "default", "Order {{ order }}", "Hello {{ name }}, {{ order }} left.", "<p>Hello {{ name }}</p>"),
    Template("shipped", 7, "email", "de", "Bestellung {{ order }}", "Guten Tag {{ name }}"),
    Template("shipped", 7, "push", "default", "Order {{ order }}", "It left."),
    Template("shipped", 7, "sms", "default", text="Order {{ order }} left."),
    Template("otp", 1, "sms", "default", text="{{ code }}"),
    Template("otp", 1, "email", "default", "Your code", "{{ code }}"),
)

LIMITS = (RateLimit("sms", 2, 60), RateLimit("sms", 3, 3600), RateLimit("email", 100, 3600))

POLICY = Policy({rule.type: rule for rule in RULES}, TEMPLATES, LIMITS, 1)

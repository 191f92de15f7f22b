// The pages by path. Each is loaded when it is first shown.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Navigate } from "@tanstack/react-router";
import { Page } from "./parts/Page";
import { EmptyPanel, FailurePanel, SkeletonRows } from "./parts/Panels";
import {
  parseSearch, readAccountSearch, readAnalyticsSearch, readAudienceSearch, readAuditSearch, readBroadcastSearch, readDeadLetterSearch,
  readEndpointSearch, readExplainSearch, readKeySearch, readListSearch, readLiveSearch, readNameSearch, readNewBroadcastSearch,
  readNotificationFilter, readNotificationSearch, readOneScheduleSearch, readProjectSearch, readProviderSearch, readRuleSearch, readRulesSearch,
  readScheduleSearch, readSendSearch, readSettingsSearch, readSimulatorSearch, readSlaSearch, readSuppressionSearch, readTableSearch,
  readTemplateSearch, readTopologySearch, readUserSearch, readUsersSearch, readWorkerSearch, stringifySearch,
} from "./searches";
import { Shell } from "./shell/Shell";
import { usePerson } from "./session";
import { listPlaces } from "./shell/places";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Page title="There is no such page"><EmptyPanel title="The address may be old"><Link to="/">Go to the first page</Link></EmptyPanel></Page>,
});
const index = createRoute({ getParentRoute: () => root, path: "/", component: FirstPage });
const notifications = createRoute({
  getParentRoute: () => root,
  path: "/notifications",
  validateSearch: readNotificationFilter,
  component: lazyRouteComponent(() => import("./pages/NotificationsPage"), "NotificationsPage"),
});
const notification = createRoute({
  getParentRoute: () => root,
  path: "/notifications/$id",
  validateSearch: readNotificationSearch, // an id that a producer gave may be one of several users
  component: lazyRouteComponent(() => import("./pages/NotificationPage"), "NotificationPage"),
});
const live = createRoute({
  getParentRoute: () => root,
  path: "/live",
  validateSearch: readLiveSearch,
  component: lazyRouteComponent(() => import("./pages/LivePage"), "LivePage"),
});
const explain = createRoute({
  getParentRoute: () => root,
  path: "/explain",
  validateSearch: readExplainSearch,
  component: lazyRouteComponent(() => import("./pages/ExplainPage"), "ExplainPage"),
});
const deadLetters = createRoute({
  getParentRoute: () => root,
  path: "/dead-letters",
  validateSearch: readDeadLetterSearch,
  component: lazyRouteComponent(() => import("./pages/DeadLettersPage"), "DeadLettersPage"),
});
const users = createRoute({
  getParentRoute: () => root,
  path: "/users",
  validateSearch: readUsersSearch,
  component: lazyRouteComponent(() => import("./pages/UsersPage"), "UsersPage"),
});
const user = createRoute({
  getParentRoute: () => root,
  path: "/users/$id",
  validateSearch: readUserSearch,
  component: lazyRouteComponent(() => import("./pages/UserPage"), "UserPage"),
});
const suppressions = createRoute({
  getParentRoute: () => root,
  path: "/suppressions",
  validateSearch: readSuppressionSearch,
  component: lazyRouteComponent(() => import("./pages/SuppressionsPage"), "SuppressionsPage"),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import("./pages/AuditPage"), "AuditPage"),
});
const accounts = createRoute({
  getParentRoute: () => root,
  path: "/accounts",
  validateSearch: readAccountSearch,
  component: lazyRouteComponent(() => import("./pages/AccountsPage"), "AccountsPage"),
});
const account = createRoute({
  getParentRoute: () => root,
  path: "/accounts/$id",
  component: lazyRouteComponent(() => import("./pages/AccountPage"), "AccountPage"),
});
const apiKeys = createRoute({
  getParentRoute: () => root,
  path: "/api-keys",
  validateSearch: readKeySearch,
  component: lazyRouteComponent(() => import("./pages/ApiKeysPage"), "ApiKeysPage"),
});
const apiKey = createRoute({
  getParentRoute: () => root,
  path: "/api-keys/$id",
  component: lazyRouteComponent(() => import("./pages/ApiKeyPage"), "ApiKeyPage"),
});
const projects = createRoute({
  getParentRoute: () => root,
  path: "/projects",
  validateSearch: readProjectSearch,
  component: lazyRouteComponent(() => import("./pages/ProjectsPage"), "ProjectsPage"),
});
const project = createRoute({
  getParentRoute: () => root,
  path: "/projects/$id",
  component: lazyRouteComponent(() => import("./pages/ProjectPage"), "ProjectPage"),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: readSettingsSearch,
  component: lazyRouteComponent(() => import("./pages/SettingsPage"), "SettingsPage"),
});
const providers = createRoute({
  getParentRoute: () => root,
  path: "/providers",
  validateSearch: readProviderSearch,
  component: lazyRouteComponent(() => import("./pages/ProvidersPage"), "ProvidersPage"),
});
const webhookEndpoints = createRoute({
  getParentRoute: () => root,
  path: "/webhook-endpoints",
  validateSearch: readEndpointSearch,
  component: lazyRouteComponent(() => import("./pages/WebhookEndpointsPage"), "WebhookEndpointsPage"),
});
const webhookEndpoint = createRoute({
  getParentRoute: () => root,
  path: "/webhook-endpoints/$id",
  component: lazyRouteComponent(() => import("./pages/WebhookEndpointPage"), "WebhookEndpointPage"),
});
const simulators = createRoute({
  getParentRoute: () => root,
  path: "/simulators",
  validateSearch: readSimulatorSearch,
  component: lazyRouteComponent(() => import("./pages/SimulatorsPage"), "SimulatorsPage"),
});
const templates = createRoute({
  getParentRoute: () => root,
  path: "/templates",
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import("./pages/TemplatesPage"), "TemplatesPage"),
});
const template = createRoute({
  getParentRoute: () => root,
  path: "/templates/$name",
  validateSearch: readTemplateSearch,
  component: lazyRouteComponent(() => import("./pages/TemplatePage"), "TemplatePage"),
});
const rules = createRoute({
  getParentRoute: () => root,
  path: "/rules",
  validateSearch: readRulesSearch,
  component: lazyRouteComponent(() => import("./pages/RulesPage"), "RulesPage"),
});
const rule = createRoute({
  getParentRoute: () => root,
  path: "/rules/$type",
  validateSearch: readRuleSearch,
  component: lazyRouteComponent(() => import("./pages/RulePage"), "RulePage"),
});
const send = createRoute({
  getParentRoute: () => root,
  path: "/send",
  validateSearch: readSendSearch,
  component: lazyRouteComponent(() => import("./pages/SendPage"), "SendPage"),
});
const broadcasts = createRoute({
  getParentRoute: () => root,
  path: "/broadcasts",
  validateSearch: readBroadcastSearch,
  component: lazyRouteComponent(() => import("./pages/BroadcastsPage"), "BroadcastsPage"),
});
const newBroadcast = createRoute({
  getParentRoute: () => root,
  path: "/broadcasts/new",
  validateSearch: readNewBroadcastSearch,
  component: lazyRouteComponent(() => import("./pages/NewBroadcastPage"), "NewBroadcastPage"),
});
const broadcast = createRoute({
  getParentRoute: () => root,
  path: "/broadcasts/$id",
  component: lazyRouteComponent(() => import("./pages/BroadcastPage"), "BroadcastPage"),
});
const schedules = createRoute({
  getParentRoute: () => root,
  path: "/schedules",
  validateSearch: readScheduleSearch,
  component: lazyRouteComponent(() => import("./pages/SchedulesPage"), "SchedulesPage"),
});
const newSchedule = createRoute({
  getParentRoute: () => root,
  path: "/schedules/new",
  component: lazyRouteComponent(() => import("./pages/NewSchedulePage"), "NewSchedulePage"),
});
const schedule = createRoute({
  getParentRoute: () => root,
  path: "/schedules/$name",
  validateSearch: readOneScheduleSearch,
  component: lazyRouteComponent(() => import("./pages/SchedulePage"), "SchedulePage"),
});
const audiences = createRoute({
  getParentRoute: () => root,
  path: "/audiences",
  validateSearch: readNameSearch,
  component: lazyRouteComponent(() => import("./pages/AudiencesPage"), "AudiencesPage"),
});
const newAudience = createRoute({
  getParentRoute: () => root,
  path: "/audiences/new",
  component: lazyRouteComponent(() => import("./pages/NewAudiencePage"), "NewAudiencePage"),
});
const audience = createRoute({
  getParentRoute: () => root,
  path: "/audiences/$name",
  validateSearch: readAudienceSearch,
  component: lazyRouteComponent(() => import("./pages/AudiencePage"), "AudiencePage"),
});
const overview = createRoute({
  getParentRoute: () => root,
  path: "/overview",
  component: lazyRouteComponent(() => import("./pages/OverviewPage"), "OverviewPage"),
});
const topology = createRoute({
  getParentRoute: () => root,
  path: "/topology",
  validateSearch: readTopologySearch,
  component: lazyRouteComponent(() => import("./pages/TopologyPage"), "TopologyPage"),
});
const tables = createRoute({
  getParentRoute: () => root,
  path: "/tables",
  validateSearch: readTableSearch,
  component: lazyRouteComponent(() => import("./pages/TablesPage"), "TablesPage"),
});
const workers = createRoute({
  getParentRoute: () => root,
  path: "/workers",
  validateSearch: readWorkerSearch,
  component: lazyRouteComponent(() => import("./pages/WorkersPage"), "WorkersPage"),
});
const analytics = createRoute({
  getParentRoute: () => root,
  path: "/analytics",
  validateSearch: readAnalyticsSearch,
  component: lazyRouteComponent(() => import("./pages/AnalyticsPage"), "AnalyticsPage"),
});
const sla = createRoute({
  getParentRoute: () => root,
  path: "/sla",
  validateSearch: readSlaSearch,
  component: lazyRouteComponent(() => import("./pages/SlaPage"), "SlaPage"),
});

/** The overview, or for who may not see it the first page that the person may. */
function FirstPage() {
  const { permissions, features } = usePerson();
  return <Navigate to={listPlaces(permissions, features)[0]?.path ?? "/settings"} replace />;
}

export const router = createRouter({
  routeTree: root.addChildren([
    index, notifications, notification, live, explain, deadLetters, users, user, suppressions, audit, accounts, account, apiKeys, apiKey,
    projects, project, settings, providers, webhookEndpoints, webhookEndpoint, simulators, templates, template, rules, rule, send,
    broadcasts, newBroadcast, broadcast, schedules, newSchedule, schedule, audiences, newAudience, audience, overview, topology, tables,
    workers, analytics, sla,
  ]),
  basepath: "/dashboard",
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
  defaultPendingMs: 200,
  defaultPendingComponent: () => <SkeletonRows />,
  defaultErrorComponent: ({ error, reset }) => <FailurePanel error={error} onRetry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

// The pages by path. Each is loaded when it is first shown.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Navigate } from "@tanstack/react-router";
import { Page } from "./parts/Page";
import { EmptyPanel, FailurePanel, SkeletonRows } from "./parts/Panels";
import { parseSearch, readDeadLetterSearch, readLiveSearch, readNotificationFilter, readNotificationSearch, stringifySearch } from "./searches";
import { Shell } from "./shell/Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Page title="There is no such page"><EmptyPanel title="The address may be old"><Link to="/">Go to the first page</Link></EmptyPanel></Page>,
});
const index = createRoute({ getParentRoute: () => root, path: "/", component: () => <Navigate to="/notifications" replace /> });
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
const deadLetters = createRoute({
  getParentRoute: () => root,
  path: "/dead-letters",
  validateSearch: readDeadLetterSearch,
  component: lazyRouteComponent(() => import("./pages/DeadLettersPage"), "DeadLettersPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([index, notifications, notification, live, deadLetters]),
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

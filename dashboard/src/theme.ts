import { createTheme } from "@mantine/core";

// shade 8 on white and on the dark background has the contrast of WCAG AA; Mantine's own shade has not
export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: "sm",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace",
  components: { Notification: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } }, Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" }, attributes: { header: { role: "group" } } } }, NumberInput: { defaultProps: { hideControls: true } } },
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "1.25rem" }, h2: { fontSize: "1rem" } } },
});

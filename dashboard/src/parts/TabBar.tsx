import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";

interface TabBarProps<Name extends string> {
  label: string;
  tabs: readonly { name: Name; label: string }[];
  value: Name;
  onChange: (name: Name) => void;
  /** The panel of the chosen tab. */
  children: ReactNode;
}

/** The tabs of a page, and the panel of the chosen one. The choice is the URL's `tab`, which the page owns. */
export function TabBar<Name extends string>({ label, tabs, value, onChange, children }: TabBarProps<Name>) {
  return (
    <Tabs value={value} onChange={(name) => name && onChange(name as Name)}>
      <Tabs.List aria-label={label} mb="md" className="tabs">
        {tabs.map((tab) => <Tabs.Tab key={tab.name} value={tab.name}>{tab.label}</Tabs.Tab>)}
      </Tabs.List>
      <Tabs.Panel key={value} value={value}>{children}</Tabs.Panel>
    </Tabs>
  );
}

import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { ProblemError, unwrap, type Schemas } from "herold-client";
import { useEffect, useRef } from "react";
import { herold } from "../api";
import { writeJson } from "../json";
import { useCan } from "../session";
import { proposeData } from "../templateData";

const PAUSE_MS = 250;

interface Wanted {
  type: string;
  template: string;
  /** The text of the form: what was proposed is replaced while it is as it was, what is typed stays. */
  data: string;
  onFill: (data: string) => void;
}

/** The data that a template takes; `fill` puts them into the form again. Undefined as long as none is known. */
export function useProposedData({ type, template, data, onFill }: Wanted): { name: string; text: string; fill: () => void } | undefined {
  const filled = useRef("");
  const key = JSON.stringify([type.trim(), template.trim()]);
  const [settled] = useDebouncedValue(key, PAUSE_MS);
  const proposal = useProposal(...(JSON.parse(settled) as [string, string])).data;
  const isCurrent = key === settled && proposal !== undefined;
  const text = proposal ? writeJson(proposal.data) : "";
  const fill = () => {
    filled.current = text;
    onFill(text);
  };
  useEffect(() => {
    if (isCurrent && data !== text && data === filled.current && !isWriting()) fill();
  }, [isCurrent, text]); // oxlint-disable-line react-hooks/exhaustive-deps
  return isCurrent && proposal ? { name: proposal.name, text, fill } : undefined;
}

// what is typed at that moment would stand within or after what is proposed
const isWriting = () => document.activeElement instanceof HTMLTextAreaElement;

// null if there is no such template; as far as the person may read rules and templates
function useProposal(type: string, template: string) {
  const canRead = useCan("templates:read"), canReadRules = useCan("rules:read");
  return useQuery({
    queryKey: ["proposed data", type, template],
    queryFn: async ({ signal }) => {
      const name = template || (await findTemplate(type, signal));
      const found = await ignoreMissing(herold.GET("/v1/templates/{name}", { params: { path: { name } }, signal }).then(unwrap));
      return found ? { name, data: proposeData(found.document) } : null;
    },
    enabled: canRead && (template !== "" || (canReadRules && type !== "")),
    staleTime: 60_000,
  });
}

// as the router does: that of the rule, else the one that is named as the type
async function findTemplate(type: string, signal: AbortSignal): Promise<string> {
  const found = await ignoreMissing(herold.GET("/v1/rules/{rule_type}", { params: { path: { rule_type: type } }, signal }).then(unwrap) as Promise<Schemas["RuleResponse"]>);
  return found?.rule.template || type;
}

async function ignoreMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return undefined;
    throw error;
  }
}

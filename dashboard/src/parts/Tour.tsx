import "../tour.css";

import { Button, CloseButton, Group } from "@mantine/core";
import { Link, useLocation } from "@tanstack/react-router";
import { changeTour, findNextStep, isOnTour, useStoredTour, type Step } from "../tour";
import { toLink } from "./AttentionList";
import { useTour } from "./useTour";

const END = "That was the tour. Ctrl K finds everything else.";

/** The tour on the overview: its steps, and what to do next. */
export function TourPanel({ steps }: { steps: readonly Step[] }) {
  const next = findNextStep(steps);
  return (
    <section className="tour" aria-label="tour">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <h2>{next ? "See how it works" : END}</h2>
        <CloseButton size="sm" aria-label="close the tour" title="Close the tour" onClick={() => changeTour({ choice: "closed" })} />
      </Group>
      <ol style={{ "--steps": steps.length } as React.CSSProperties}>
        {steps.map((step, index) => (
          <li key={step.name} aria-current={step === next ? "step" : undefined} data-done={step.isDone || undefined}>
            <span className="tour-mark" aria-hidden>{step.isDone ? "✓" : index + 1}</span>
            <div>
              <b>{step.title}</b>{step.isDone ? <span className="hidden-text">, done</span> : null}
              <p>{step.text}</p>
              <div className="tour-action">{step === next ? <StepButton step={step} /> : null}</div>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What is next in the tour, at the lower edge of the pages that it leads to; it covers nothing that one cannot scroll to. */
export function TourBar() {
  const { isOpen, steps } = useTour();
  const { isBarClosed } = useStoredTour();
  const path = useLocation({ select: ({ pathname }) => pathname });
  if (!isOpen || isBarClosed || !isOnTour(path)) return null;
  const next = findNextStep(steps), number = next ? steps.indexOf(next) + 1 : steps.length;
  const isHere = next?.url?.split("?")[0] === path;
  return (
    <aside className="tour-bar" aria-label="tour">
      <span className="number dim">{number} of {steps.length}</span>
      <span className="tour-text" role="status">{next ? <><b>{next.title}.</b> <span className="tour-more">{next.text}</span></> : END}</span>
      {next && !isHere ? <StepButton step={next} /> : null}
      <CloseButton size="sm" aria-label="close the bar of the tour" title="Close this bar; the overview keeps the tour" onClick={() => changeTour(next ? { isBarClosed: true } : { choice: "closed" })} />
    </aside>
  );
}

function StepButton({ step: { url, action } }: { step: Step }) {
  if (!url) return null;
  return <Button size="compact-sm" renderRoot={(props) => <Link {...toLink(url)} {...props} />}>{action}</Button>;
}

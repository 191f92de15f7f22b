// What a person does on a page: a change by the API that says when it is done, and what went wrong.

import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, type QueryKey } from "@tanstack/react-query";
import { ProblemError } from "herold-client";
import { useState } from "react";
import { describeFailure, queryClient } from "./api";

const UNDO_MS = 10_000;

interface ActionOptions<Result> {
  /** Said when it is done. */
  done?: string;
  /** The beginnings of the keys of what is read again. */
  refresh?: readonly QueryKey[];
  /** What else is read again if it is not as it was read, such as the page of what was to be deleted. */
  outdated?: readonly QueryKey[];
  onDone?: (result: Result) => void;
  onFailure?: (error: unknown) => unknown;
  /** The page shows what went wrong itself. */
  isQuiet?: boolean;
}

/** A change by the API. What it may have changed is read again, unless it was refused for another reason than that it is not as it was read. */
export function useAction<Value = void, Result = unknown>(act: (value: Value) => Promise<Result>, options: ActionOptions<Result> = {}) {
  return useMutation({
    mutationFn: act,
    onSuccess: (result) => {
      if (options.done) notifications.show({ message: options.done });
      options.onDone?.(result);
    },
    onError: async (error) => {
      if (!options.isQuiet) showFailure(error);
      await options.onFailure?.(error);
    },
    onSettled: (_, error) => {
      if (isRefused(error) && !isOutdated(error)) return undefined;
      const keys = [...(options.refresh ?? []), ...(isOutdated(error) ? (options.outdated ?? []) : [])];
      return Promise.all(keys.map((queryKey) => queryClient.invalidateQueries({ queryKey })));
    },
  });
}

/** Says what went wrong, beside the page, which stays as it is. */
export function showFailure(error: unknown): void {
  const { title, detail, requestId } = describeFailure(error);
  notifications.show({ color: "red", title, message: [detail, requestId && `Request id ${requestId}.`].filter(Boolean).join(" ") });
}

/** Says what was done, and for ten seconds takes it back. */
export function showUndo(message: string, undo: () => Promise<unknown>): void {
  const id = notifications.show({
    autoClose: UNDO_MS,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <span>{message}</span>
        <Button size="compact-sm" variant="default" onClick={() => void takeBack()}>Undo</Button>
      </Group>
    ),
  });
  const takeBack = async () => {
    notifications.hide(id);
    await undo().then(() => notifications.show({ message: "It is as it was" }), showFailure);
  };
}

const isRefused = (error: unknown): boolean => error instanceof ProblemError && error.status < 500;

// what is on the page is gone, or is not what it was
const isOutdated = (error: unknown): boolean => error instanceof ProblemError && [404, 409, 412].includes(error.status);

/** Whether somebody else has changed it meanwhile. */
export const isConflict = (error: unknown): boolean => error instanceof ProblemError && error.status === 412;

/** What is stored now, read anew whenever a save finds that somebody else has changed it; `meet` takes the error of each save. */
export function useConflict<Stored>(read: () => Promise<Stored>) {
  const [theirs, setTheirs] = useState<Stored>();
  const meet = async (error: unknown) => {
    if (!isConflict(error)) return;
    if (theirs) notifications.show({ color: "yellow", message: "Somebody has changed it once more: see what is stored now" });
    await read().then(setTheirs, showFailure);
  };
  return { theirs, meet, end: () => setTheirs(undefined) };
}

/** The header that names the version that was read. */
export const matchVersion = (version: number) => ({ "If-Match": `"${version}"` });

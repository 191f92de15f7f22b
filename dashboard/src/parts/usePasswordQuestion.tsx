import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { ProblemError } from "herold-client";
import { useState, type FormEvent, type ReactNode } from "react";
import { describeFailure } from "../api";

/**
 * For what needs a login of the last ten minutes: it is tried without a password, and with one if the API asks for it.
 * Returns the function that tries, and the dialog to show.
 */
export function usePasswordQuestion(): [ask: <T>(act: (password: string) => Promise<T>) => Promise<T>, dialog: ReactNode] {
  const [question, setQuestion] = useState<{ answer: (password: string) => void; cancel: () => void; wrong: string }>();
  const askFor = (wrong: string) => new Promise<string>((resolve, reject) => setQuestion({ answer: resolve, cancel: () => reject(new DOMException("It was cancelled", "AbortError")), wrong }));
  const ask = async <T,>(act: (password: string) => Promise<T>): Promise<T> => {
    let password = "";
    for (;;) {
      try {
        return await act(password);
      } catch (error) {
        if (!(error instanceof ProblemError) || error.problem.code !== "login-failed") throw error;
        password = await askFor(password ? describeFailure(error).detail : "").finally(() => setQuestion(undefined));
      }
    }
  };
  return [ask, question ? <Question {...question} /> : null];
}

function Question({ answer, cancel, wrong }: { answer: (password: string) => void; cancel: () => void; wrong: string }) {
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password) answer(password);
  };
  return (
    <Modal opened onClose={cancel} title="Is it you?">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm">Your login is longer ago than ten minutes.</Text>
          <PasswordInput label="Password" autoComplete="current-password" data-autofocus value={password} error={wrong} onChange={(event) => setPassword(event.currentTarget.value)} />
          <Group justify="flex-end"><Button variant="default" onClick={cancel}>Cancel</Button><Button type="submit" disabled={!password}>Go on</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Whether the person has left a question unanswered, which is no failure. */
export const isCancelled = (error: unknown): boolean => error instanceof DOMException && ["AbortError", "NotAllowedError"].includes(error.name);

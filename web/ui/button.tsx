/** Buttons, and links that look like them. */
import { createLink } from '@tanstack/react-router';
import type { ComponentProps, ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { Icon, type IconName } from './icons.tsx';

type Look = 'plain' | 'primary' | 'danger' | 'quiet';

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  readonly look?: Look;
  readonly icon?: IconName;
  readonly small?: boolean;
  readonly children: ReactNode;
}

const classesOf = (look: Look, small: boolean | undefined): string =>
  `button ${look}${small ? ' small' : ''}`;

/**
 * Button. With `isPending` it ignores presses and keeps the focus. React Aria's own `isPending` would keep
 * announcing a button that disappeared with its dialog.
 */
export const Button = ({
  look = 'plain',
  icon,
  small,
  children,
  isPending = false,
  onPress,
  ...props
}: ButtonProps): ReactNode => (
  <AriaButton
    {...props}
    {...(isPending ? { 'aria-disabled': true, 'data-pending': true } : onPress && { onPress })}
    className={classesOf(look, small)}
  >
    {icon && <Icon name={icon} />}
    <span>{children}</span>
  </AriaButton>
);

interface IconButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  readonly icon: IconName;
  /** Action in words, for screen readers and on hover. */
  readonly label: string;
}

export const IconButton = ({ icon, label, ...props }: IconButtonProps): ReactNode => (
  <AriaButton {...props} aria-label={label} className="button quiet icon-only">
    <Icon name={icon} />
  </AriaButton>
);

interface LinkLikeButtonProps extends ComponentProps<'a'> {
  readonly look?: Look;
  readonly small?: boolean;
}

/** Link that looks like a button, to an address outside the router. */
export const Anchor = ({
  look = 'plain',
  small,
  className: _ignored,
  ...props
}: LinkLikeButtonProps): ReactNode => <a {...props} className={classesOf(look, small)} />;

/** Router link that looks like a button. */
export const ButtonLink = createLink(Anchor);

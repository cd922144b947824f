/** First steps. */
import type { ReactNode } from 'react';
import { Page } from '../ui/page.tsx';

export const WelcomePage = (): ReactNode => <Page title="Welcome">{null}</Page>;

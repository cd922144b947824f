/** Entry point of the console. */
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './no-eval.ts';
import '@fontsource-variable/inter/wght.css';
import './styles/index.css';
import { queryClient } from './data/cache.ts';
import { ApiProblem } from './data/request.ts';
import { router } from './router.tsx';
import { Toasts } from './ui/toast.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element "root"');
createRoot(root, {
  // Refusals of the API are shown on the page; any other error is a fault of the console.
  onCaughtError: (error) => {
    if (!(error instanceof ApiProblem)) console.error(error);
  },
}).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
      <Toasts />
    </QueryClientProvider>
  </StrictMode>,
);
